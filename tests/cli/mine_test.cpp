#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <support/program.hpp>

using namespace program;
using nvembed::Json;

namespace {

/// Questions and answers about four things, and two records without negatives.
std::string records() {
  const char* things[] = {"whales", "trains", "cheese", "violins"};
  std::string lines;
  for (int i = 0; i < 24; ++i) {
    const std::string thing = things[i % 4], n = std::to_string(i);
    Json r{{"query", "where are " + thing + " of number " + n + "?"},
           {"positive", {"Number " + n + " of the " + thing + " is here"}},
           {"negative", Json::array()}};
    if (i % 2 == 0) r["negative"].push_back("Nothing is known about " + n);
    lines += r.dump() + "\n";
  }
  return lines;
}

std::vector<Json> read(const std::string& path) {
  std::ifstream file(path);
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  return lines;
}

std::vector<std::string> negatives(const Json& record) { return record["negative"].get<std::vector<std::string>>(); }

}  // namespace

TEST_CASE("mine: records come back in order, with negatives that the rule allows, and figures") {
  const Scratch s;
  const std::string train = s.file("train.jsonl", records());
  const std::string mine = "mine " + tiny() + " --train " + train + " ";
  const Result r = run(s, mine + "--rule top -k 5 --json -o " + s("out.jsonl"));
  REQUIRE_MESSAGE(r.status == 0, r.err);
  CHECK(r.err.find("24, 24 different queries") != std::string::npos);
  const Json figures = Json::parse(r.out);
  CHECK(figures["records"] == 24);
  CHECK(figures["candidates"] == 36);
  CHECK(figures["negatives"]["min"] == 5);
  CHECK(figures["negatives"]["mean"] == 5);
  CHECK(figures["excluded"]["known_positives"] == 24);
  const auto by_rank = figures["scores"]["by_rank"].get<std::vector<double>>();
  REQUIRE(by_rank.size() == 5);
  CHECK(std::is_sorted(by_rank.rbegin(), by_rank.rend()));
  const auto before = read(train), after = read(s("out.jsonl"));
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i]["query"] == before[i]["query"]);
    CHECK(after[i]["positive"] == before[i]["positive"]);
    const auto n = negatives(after[i]);
    CHECK(std::set(n.begin(), n.end()).size() == 5);
    CHECK(std::find(n.begin(), n.end(), after[i]["positive"][0]) == n.end());
  }
  // Without -o the records go to standard output; the same bytes, whatever the threads.
  CHECK(run(s, mine + "--rule top -k 5 -q --threads 1").out == content(s("out.jsonl")));

  // What is kept stands in front.
  REQUIRE(run(s, mine + "--rule top -k 2 --keep-negatives -o " + s("kept.jsonl")).status == 0);
  const auto kept = read(s("kept.jsonl"));
  CHECK(negatives(kept[0]).size() == 3);
  CHECK(negatives(kept[0])[0] == "Nothing is known about 0");
  CHECK(negatives(kept[1]).size() == 2);

  // Rules tighten; draws are by seed.
  REQUIRE(run(s, mine + "--rule shifted:1 -k 4 -o " + s("shifted.jsonl")).status == 0);
  for (std::size_t i = 0; i < after.size(); ++i) {
    auto all = negatives(after[i]);
    all.erase(all.begin());
    CHECK(negatives(read(s("shifted.jsonl"))[i]) == all);
  }
  const std::string draw = mine + "--rule top -k 2 --choose sampled -q --seed ";
  CHECK(run(s, draw + "1").out == run(s, draw + "1").out);
  CHECK(run(s, draw + "1").out != run(s, draw + "2").out);
}

TEST_CASE("mine: vectors of another teacher, of texts in the order that the program tells") {
  const Scratch s;
  const std::string train = s.file("train.jsonl", records());
  const std::string corpus = s.file("corpus.txt", "Number 3 of the violins is here\nNobody knows\n\nWhales sing\n");
  for (const std::string from : {"", " --corpus "}) {
    const std::string all = " --train " + train + (from.empty() ? "" : from + corpus) + " --rule top -k 2 ";
    REQUIRE(run(s, "mine" + all + "--write-texts " + s("t")).status == 0);
    CHECK(read(s("t.queries.jsonl")).size() == 24);
    CHECK(read(s("t.passages.jsonl")).size() == (from.empty() ? 36 : 26));
    for (const std::string kind : {"queries", "passages"})
      REQUIRE(run(s, "encode " + tiny() + " -i " + s("t." + kind + ".jsonl") + " -o " + s(kind + ".npy")).status == 0);
    const std::string vectors = "mine" + all + "--query-vectors " + s("queries.npy") + " --passage-vectors ";
    REQUIRE(run(s, vectors + s("passages.npy") + " -o " + s("out.jsonl")).status == 0);
    CHECK(run(s, "mine " + tiny() + all + "-q").out == content(s("out.jsonl")));
    check_error(s, vectors + s("queries.npy"),
                from.empty() ? "holds 24 rows of 64, but there are 36 passages"
                             : "holds 24 rows of 64, but there are 26 passages");
    fs::remove(s("out.jsonl"));
  }
  // As many vectors, of other texts.
  std::string others;
  for (int i = 0; i < 26; ++i) others += "other " + std::to_string(i) + "\n";
  REQUIRE(run(s, "encode " + tiny() + " -i " + s.file("others.txt", others) + " -o " + s("others.npy")).status == 0);
  check_error(s,
              "mine --train " + train + " --corpus " + corpus + " --query-vectors " + s("queries.npy") +
                  " --passage-vectors " + s("others.npy"),
              "of other texts");
}

TEST_CASE("mine: tasks.json beside the file is obeyed; BM25 needs no model") {
  const Scratch s;
  const std::string pairs = s.file("pairs.jsonl", R"({"query": "green cheese", "positive": ["cheese that is green"]}
{"query": "cheese that is green", "positive": ["the green one of the cheeses"]}
{"query": "a blue sea", "positive": ["the sea is blue"]}
{"query": "green trees and cheese", "positive": ["trees"]}
)");
  s.file("tasks.json", R"([{"name": "pairs", "kind": "sts", "instruction": "Find the like", "symmetric": true,
                           "in_batch_negatives": false}])");
  const std::string mine = "mine --bm25 --train " + pairs + " --rule top ";
  REQUIRE(run(s, mine + "-o " + s("group.jsonl")).status == 0);
  CHECK(negatives(read(s("group.jsonl"))[0]).empty());  // those with a word in common are of its group
  REQUIRE(run(s, mine + "--no-transitive -o " + s("pair.jsonl")).status == 0);
  CHECK(negatives(read(s("pair.jsonl"))[0]) == std::vector<std::string>{"the green one of the cheeses"});
  CHECK(negatives(read(s("pair.jsonl"))[3]).size() == 2);

  const auto figures = [&](const std::string& options) {
    const Result r =
        run(s, "mine " + tiny() + " --train " + pairs + " --rule top -k 1 -q --json -o " + s("o") + options);
    REQUIRE_MESSAGE(r.status == 0, r.err);
    return Json::parse(r.out);
  };
  CHECK(figures("")["instruction"] == "Find the like");
  CHECK(figures(" --no-instruction")["instruction"] == "");
  CHECK(figures(" --instruction Else")["instruction"] == "Else");
  CHECK(figures(" --no-tasks")["instruction"] == "");
  CHECK(figures("")["scores"] != figures(" --no-instruction")["scores"]);
  CHECK(figures(" --no-tasks --symmetric --instruction 'Find the like'")["scores"] == figures("")["scores"]);
}

TEST_CASE("mine: what is refused") {
  const Scratch s;
  const std::string train = s.file("train.jsonl", records());
  const std::string mine = "mine " + tiny() + " --train " + train + " ";
  for (const char* wrong :
       {"--bm25", "--query-vectors q.npy", "--rule best", "--rule perc:2", "-k 0", "--choose sampled -k 11",
        "--choose all", "--json", "--pool none", "--choose sampled --temperature 0", "--rule shifted:-1"}) {
    const Result r = run(s, mine + wrong + " -q");
    CAPTURE(wrong);
    CHECK(r.status == 2);
    CHECK(r.err.rfind("nvembed: [usage]", 0) == 0);
    CHECK(r.err.find('\n') == r.err.size() - 1);
  }
  check_error(s, mine + "--rule abs:-1.5", "no record got a negative");
  check_error(s, mine + "--rule abs:-1.5 -o " + s("none.jsonl"), "try another --rule");
  CHECK(!fs::exists(s("none.jsonl")));
  check_error(s, mine + "-o " + s("nowhere/out.jsonl"), "nowhere");
  check_error(s, mine + "--corpus " + s.file("empty.txt", "\n \n"), "no passages");
  check_error(s, mine + "--corpus " + s.file("bad.jsonl", "{\"text\": 1}\n"), "bad.jsonl, line 1");
  check_error(s, "mine --bm25 --train " + s.file("broken.jsonl", records() + "{\"query\": \"q\"}\n"), "line 25");
  check_error(s, "mine --bm25 --train " + s("nothing.jsonl"), "nothing.jsonl");
  s.file("tasks.json", R"([{"name": "train", "kind": "c", "instruction": "", "symmetric": true,
                           "in_batch_negatives": false, "from_labels": "example"}])");
  check_error(s, mine, "made of labelled texts");
}
