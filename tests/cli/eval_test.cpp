#include <doctest/doctest.h>

#include <string>
#include <support/model.hpp>
#include <support/program.hpp>

using namespace program;
using nvembed::Json;

namespace {

/// A folder with a task of each of five categories, of texts in which a word tells what belongs together.
struct Tasks {
  const Scratch& s;
  fs::path dir;
  Json list = Json::array();

  explicit Tasks(const Scratch& scratch) : s(scratch), dir(scratch.dir / "tasks") {
    const char* things[] = {"whales", "trains", "cheese", "violins"};
    std::string pairs, graded, labelled, corpus, queries, qrels = "query-id\tcorpus-id\tscore\n";
    for (int i = 0; i < 40; ++i) {
      const std::string thing = things[i % 4], other = things[(i + 1) % 4], n = std::to_string(i);
      const bool same = i % 3 == 0;
      const Json pair{{"text1", "We saw " + thing + " number " + n}, {"text2", "They like " + (same ? thing : other)}};
      Json labelled_pair = pair, graded_pair = pair;
      labelled_pair["label"] = same ? 1 : 0;
      graded_pair["score"] = same ? 4.0 + i * 0.01 : i * 0.02;
      pairs += labelled_pair.dump() + "\n";
      graded += graded_pair.dump() + "\n";
      labelled += Json{{"text", "More about " + thing + ", part " + n}, {"label", thing}}.dump() + "\n";
      corpus += Json{{"_id", "d" + n}, {"title", thing}, {"text", "Chapter " + n + " is about " + thing}}.dump() + "\n";
      queries += Json{{"_id", "q" + n}, {"text", "where are " + thing + " of chapter " + n + "?"}}.dump() + "\n";
      qrels += "q" + n + "\td" + n + "\t1\n";
    }
    add("grades", "sts", {{"grades.jsonl", graded}});
    add("pairs", "pair_classification", {{"pairs.jsonl", pairs}});
    add("topics", "clustering", {{"topics.jsonl", labelled}});
    add("kinds", "classification", {{"kinds/train.jsonl", labelled}, {"kinds/test.jsonl", labelled}});
    add("chapters", "retrieval",
        {{"chapters/corpus.jsonl", corpus}, {"chapters/queries.jsonl", queries}, {"chapters/qrels.tsv", qrels}});
    write_list();
  }
  void add(const std::string& name, const std::string& category,
           const std::vector<std::pair<std::string, std::string>>& files) {
    Json names = Json::object();
    for (const auto& [file, text] : files) {
      names[file] = 1;
      write(file, text);
    }
    list.push_back({{"name", name},
                    {"category", category},
                    {"instruction", "Tell things apart"},
                    {"symmetric", category != "retrieval"},
                    {"files", names}});
  }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((dir / file).parent_path());
    std::ofstream(dir / file, std::ios::binary) << text;
  }
  void write_list() const { write("tasks.json", list.dump()); }
  std::string arguments() const { return " --tasks " + dir.string() + " --cache " + s("cache") + " "; }
};

Json results(const Scratch& s, const std::string& file) { return Json::parse(content(s(file))); }

}  // namespace

TEST_CASE("eval: table, figures, report, cache, comparison, sample") {
  const Scratch s;
  const Tasks tasks(s);
  const Result first = run(s, "eval " + tiny() + tasks.arguments() + "-o " + s("a.json") + " --report " + s("a.html"));
  CHECK_MESSAGE(first.status == 0, first.err);
  CHECK(first.out.empty());
  for (const char* part : {"grades", "pairs", "topics", "kinds", "chapters", "mean of the means", "0 of them from"})
    CHECK_MESSAGE(first.err.find(part) != std::string::npos, part);
  const Json a = results(s, "a.json");
  REQUIRE(a["tasks"].size() == 5);
  for (const Json& t : a["tasks"]) {
    CAPTURE(t["task"]);
    CHECK(t["score"].get<double>() > 0);
    CHECK(t["score"].get<double>() <= 100);
    CHECK(t["ci95"].get<double>() >= 0);
    CHECK(t["n"] == 40);
  }
  CHECK(a["tasks"][4].contains("recall100"));
  CHECK(a["tasks"][3].contains("f1"));
  CHECK(a["max_length"] == 512);
  CHECK(a["means"].size() == 6);

  const std::string page = content(s("a.html"));
  CHECK(page.find("<script src") == std::string::npos);
  CHECK(page.find("http") == std::string::npos);  // no network
  for (const char* part : {"Latent attention", "two principal components", "chapters, cosines", "violins"})
    CHECK_MESSAGE(page.find(part) != std::string::npos, part);

  // Vectors of the first run are found again; --json prints what -o writes.
  const Result second = run(s, "eval " + tiny() + tasks.arguments() + "--json --quiet --against " + s("a.json"));
  CHECK_MESSAGE(second.status == 0, second.err);
  CHECK(second.err.empty());
  const Json b = Json::parse(second.out);
  CHECK(b["tokens"] == 0);
  CHECK(b["cached_texts"] == b["texts"]);
  for (std::size_t t = 0; t < 5; ++t) CHECK(b["tasks"][t]["score"] == a["tasks"][t]["score"]);
  REQUIRE(b["against"]["tasks"].size() == 5);
  for (const Json& t : b["against"]["tasks"]) {
    CHECK(t["difference"].get<double>() == 0);
    CHECK(t["ci95"].get<double>() < 0.001);
  }

  const Result other = run(s, "eval " + tiny() + tasks.arguments() + "--pool mean --only sts,chapters -o " +
                                  s("c.json") + " --against " + s("a.json"));
  CHECK_MESSAGE(other.status == 0, other.err);
  CHECK(results(s, "c.json")["against"]["tasks"].size() == 2);

  check_error(s, "eval " + tiny() + tasks.arguments() + "--sample 0.5 --against " + s("a.json"), "--sample 1");
  const Result bm25 = run(s, "eval " + tiny() + tasks.arguments() + "--bm25 --only pairs,chapters --json -q");
  REQUIRE(bm25.status == 0);
  const Json words = Json::parse(bm25.out);
  CHECK(words["tasks"][0]["score"].get<double>() > 99);  // words alone tell these apart
  CHECK(words["tasks"][1]["score"].get<double>() > 99);

  const Result needle = run(s, "eval " + tiny() + tasks.arguments() +
                                   "--needle chapters --needle-lengths 64,128 --needle-queries 8 -q --json");
  CHECK_MESSAGE(needle.status == 0, needle.err);
  CHECK(Json::parse(needle.out)["tasks"][1]["task"] == "needle_128");
}

TEST_CASE("eval: what is broken is named, the others are scored, the status is 1") {
  const Scratch s;
  Tasks tasks(s);
  tasks.add("three", "clustering",
            {{"three.jsonl",
              "{\"text\":\"a\",\"label\":0}\n{\"text\":\"b\",\"label\":1}\n"
              "{\"text\":\"c\",\"label\":0}\n"}});
  tasks.add("one_label", "classification",
            {{"one/train.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n"},
             {"one/test.jsonl", "{\"text\":\"b\",\"label\":\"x\"}\n"}});
  tasks.add("empty", "sts", {{"empty.jsonl", ""}});
  tasks.add("stray", "retrieval",
            {{"stray/corpus.jsonl", "{\"_id\":\"1\",\"text\":\"a\"}\n"},
             {"stray/queries.jsonl", "{\"_id\":\"q\",\"text\":\"b\"}\n"},
             {"stray/qrels.tsv", "query-id\tcorpus-id\tscore\nq\t1\t1\nq\t7\t1\n"}});
  tasks.add("unjudged", "retrieval",
            {{"un/corpus.jsonl", "{\"_id\":\"1\",\"text\":\"a\"}\n"},
             {"un/queries.jsonl", "{\"_id\":\"q\",\"text\":\"b\"}\n{\"_id\":\"r\",\"text\":\"c\"}\n"},
             {"un/qrels.tsv", "query-id\tcorpus-id\tscore\nq\t1\t1\n"}});
  tasks.add("broken", "sts", {{"broken.jsonl", "{\"text1\":\"a\",\"text2\":\"b\",\"score\":1}\n{\"text1\":\"a\",\n"}});
  tasks.add("unpoolable", "sts",
            {{"unpoolable.jsonl",
              "{\"text1\":\"a\",\"text2\":\"b\",\"score\":1}\n"
              "{\"text1\":\"a\",\"text2\":\"xx\\u0000\",\"score\":2}\n"}});
  tasks.write_list();
  const Result r = run(s, "eval " + tiny() + tasks.arguments() + "-o " + s("a.json"));
  CHECK(r.status == 1);
  for (const char* part :
       {"three.jsonl: 3 texts", "one/train.jsonl: 1 label", "empty.jsonl: no records",
        "stray/qrels.tsv, line 3: no document", "un/queries.jsonl, line 2: ", "broken.jsonl, line 2: "})
    CHECK_MESSAGE(r.err.find(part) != std::string::npos, part << "\n" << r.err);
  const Json a = results(s, "a.json");
  REQUIRE(a["tasks"].size() == 12);
  std::size_t scored = 0;
  for (const Json& t : a["tasks"]) scored += t.contains("score");
  CHECK(scored >= 6);  // the five good ones and the one with an unjudged query
  CHECK(a["tasks"][9]["score"] == 100);
  CHECK(a["tasks"][9]["problems"].size() == 1);

  // Other data under the same name: what can be compared is, and all figures are written.
  const Tasks good(s);
  REQUIRE(run(s, "eval " + tiny() + good.arguments() + "--only grades,pairs -o " + s("old.json")).status == 0);
  Json old = results(s, "old.json");
  old["tasks"][0]["n"] = 39;
  s.file("old.json", old.dump());
  const Result part = run(s, "eval " + tiny() + good.arguments() + "--only grades,pairs -o " + s("new.json") +
                                 " --against " + s("old.json"));
  CHECK(part.status == 1);
  CHECK(part.err.find("task grades") != std::string::npos);
  CHECK(results(s, "new.json")["against"]["tasks"].size() == 1);

  check_error(s, "eval " + tiny() + tasks.arguments() + "-o " + s("nowhere/a.json"), "nowhere");  // before the work
  check_error(s, "eval " + tiny() + tasks.arguments() + "--only grades,nothing", "nothing");
  check_error(s, "eval " + tiny() + " --tasks " + s("nowhere"), "nowhere");
  s.file("broken.json", "{\"model\": 3}");
  check_error(s, "eval " + tiny() + tasks.arguments() + "--against " + s("broken.json"), "broken.json: model");
}

TEST_CASE("eval: a model whose vectors are not finite fails the tasks with their first text") {
  const Scratch s;
  const Tasks tasks(s);
  const fs::path model = s.dir / "nan";
  fs::copy(golden::path("nvembed_tiny"), model, fs::copy_options::recursive);
  const Json index = Json::parse(content(model / "model.safetensors.index.json"));
  std::string name;
  for (const auto& [key, file] : index["weight_map"].items())
    if (key.ends_with("down_proj.weight")) name = key;
  REQUIRE(!name.empty());
  const fs::path shard = model / index["weight_map"][name].get<std::string>();
  std::string bytes = content(shard);
  const std::size_t header = static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  const Json entry = Json::parse(bytes.substr(8, header))[name];
  const std::size_t at = 8 + header + entry["data_offsets"][0].get<std::size_t>();
  bytes[at] = '\x00', bytes[at + 1] = '\x7E';  // a NaN of 16 bits
  std::ofstream(shard, std::ios::binary) << bytes;

  const Result r = run(s, "eval '" + model.string() + "'" + tasks.arguments() + "-o " + s("a.json"));
  CHECK(r.status == 1);
  for (const char* file : {"grades.jsonl, line ", "pairs.jsonl, line ", "topics.jsonl, line ", "kinds/"})
    CHECK_MESSAGE(r.err.find(file) != std::string::npos, r.err);
  CHECK(r.err.find("not finite") != std::string::npos);
  for (const Json& t : results(s, "a.json")["tasks"]) CHECK(!t.contains("score"));
}
