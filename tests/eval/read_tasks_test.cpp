#include <nvembed/eval/classification.hpp>
#include <nvembed/eval/clustering.hpp>
#include <nvembed/eval/read_tasks.hpp>
#include <nvembed/eval/retrieval.hpp>

#include "support.hpp"

using namespace eval_test;
using namespace nvembed::eval;

namespace {

std::string one_task(const char* category, const std::vector<std::string>& files) {
  Json names = files;
  return Json::array({{{"name", "t"}, {"category", category}, {"files", names}}}).dump();
}

/// The problem of a folder's only task.
std::string problem(const Folder& f) {
  const auto found = read_tasks(f.path());
  REQUIRE(found.size() == 1);
  return found[0].problems.empty() ? "" : found[0].problems[0];
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("tasks of a folder") {
  const auto all = read_tasks(tasks_folder());
  REQUIRE(all.size() == 7);
  for (const FoundTask& t : all) {
    CAPTURE(t.info.name);
    CHECK(t.problems.empty());
    REQUIRE(t.task);
    CHECK(t.info.instruction == "About " + t.info.name);
  }
  CHECK(all[2].task->texts()[0].role == Role::query);
  CHECK(all[2].task->texts()[1].role == Role::passage);
  CHECK(all[2].task->texts()[1].where(4) == tasks_folder() + "/search/corpus.jsonl, line 5");
  const auto some = read_tasks(tasks_folder(), {{"sts", "topics"}});
  REQUIRE(some.size() == 2);
  CHECK(some[1].info.name == "topics");
  CHECK_THROWS_AS(read_tasks(tasks_folder(), {{"none"}}), InputError);
  CHECK_THROWS_AS(read_tasks(tasks_folder() + "/nowhere"), FileError);
  CHECK_THROWS_AS(read_tasks(tasks_folder(), {{}, 0.0}), InputError);
}

TEST_CASE("folders in BEIR's layout") {
  const Folder f("beir");
  f.write("one/corpus.jsonl", "{\"_id\":\"a\",\"title\":\"T\",\"text\":\"x\"}\n\n{\"_id\":\"b\",\"text\":\" y \"}\n");
  f.write("one/queries.jsonl",
          "{\"_id\":\"1\",\"text\":\"p\"}\n{\"_id\":\"2\",\"text\":\"q\"}\n{\"_id\":\"3\",\"text\":\"r\"}\n");
  f.write("one/qrels/test.tsv", "query-id\tcorpus-id\tscore\n2\tb\t2\n3\ta\t0\n");
  f.write("one/qrels/train.tsv", "query-id\tcorpus-id\tscore\n1\tb\t1\n");
  f.write("else.txt", "");
  for (const std::string& path : {f.path(), f.path("one"), f.path("one/")}) {
    const auto found = read_tasks(path);
    REQUIRE(found.size() == 1);
    CHECK(found[0].info.name == "one");
    CHECK(found[0].problems.empty());  // queries of other splits are no problem
    const auto* task = found[0].task->as<Retrieval>();
    REQUIRE(task);
    CHECK(task->texts()[0].texts == std::vector<std::string>{"q"});
    CHECK(task->texts()[1].texts == std::vector<std::string>{"T x", "y"});
    CHECK(task->texts()[1].lines == std::vector<Index>{1, 3});
    CHECK(task->relevant()[0] == std::map<Index, double>{{1, 2.0}});
  }
  CHECK_THROWS_AS(read_tasks(f.path("one/qrels")), FileError);
}

TEST_CASE("what is wrong with a task's files is named") {
  {
    const Folder f("list");
    f.write("tasks.json", "{\"name\": 1}");
    CHECK_THROWS_AS(read_tasks(f.path()), FileError);
    f.write("tasks.json", "[{\"name\": \"x\", \"category\": \"sts\"}]");
    CHECK_THROWS_WITH_AS(read_tasks(f.path()), doctest::Contains("tasks.json: task 1"), FileError);
    f.write("tasks.json", one_task("guessing", {"a.jsonl"}));
    CHECK(has(problem(f), "guessing"));
    f.write("tasks.json", one_task("sts", {}));
    CHECK(has(problem(f), "no files"));
    f.write("tasks.json", one_task("sts", {"missing.jsonl"}));
    CHECK(has(problem(f), "missing.jsonl"));
  }
  const auto lines = [](const char* category, const std::string& content) {
    const Folder f("lines");
    f.write("a.jsonl", content);
    f.write("tasks.json", one_task(category, {"a.jsonl"}));
    return problem(f);
  };
  const std::string good = "{\"text1\":\"a\",\"text2\":\"b\",\"score\":1,\"label\":1}\n";
  CHECK(has(lines("sts", good + "{\"text1\":\"a\",\n"), "a.jsonl, line 2: parse error at column"));
  CHECK(has(lines("sts", good + "\n[]\n"), "a.jsonl, line 3: a JSON object was expected"));
  CHECK(has(lines("sts", good + "{\"text1\":\"a\",\"score\":2}\n"), "a.jsonl, line 2: key \"text2\" is missing"));
  CHECK(has(lines("sts", good + "{\"text1\":\"\xFF\",\"text2\":\"a\",\"score\":2}\n"), "a.jsonl, line 2"));
  CHECK(has(lines("sts", good + good), "all pairs have the same score"));
  CHECK(has(lines("sts", ""), "a.jsonl: no records"));
  CHECK(has(lines("pair_classification", good + good), "no pair has the label 0"));
  CHECK(has(lines("pair_classification", "{\"text1\":\"a\",\"text2\":\"b\",\"label\":2}\n"),
            "line 1: label: expected 0 or 1"));
  CHECK(has(lines("reranking", "{\"query\":\"a\",\"positive\":[],\"negative\":[\"b\"]}\n"),
            "line 1: positive: is empty"));
  CHECK(has(lines("reranking", "{\"query\":\"a\",\"positive\":[3],\"negative\":[\"b\"]}\n"), "line 1: positive"));
  CHECK(has(
      lines("clustering", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\",\"label\":2}\n{\"text\":\"c\",\"label\":2}\n"),
      "a.jsonl: 3 texts of 2 labels"));
  CHECK(has(lines("clustering", "{\"text\":\"a\",\"label\":1}\n"), "1 label"));
  CHECK(has(lines("clustering", "{\"text\":\"a\",\"label\":[]}\n"), "line 1: label"));
  CHECK(has(lines("summarization", "{\"human_summaries\":[\"a\"],\"machine_summaries\":[\"b\"],\"relevance\":[1,2]}\n"),
            "line 1: 1 machine_summaries, but 2 of relevance"));

  const auto search = [](const std::string& corpus, const std::string& queries, const std::string& qrels) {
    const Folder f("search");
    f.write("corpus.jsonl", corpus);
    f.write("queries.jsonl", queries);
    f.write("qrels.tsv", qrels);
    f.write("tasks.json", one_task("retrieval", {"corpus.jsonl", "queries.jsonl", "qrels.tsv"}));
    auto found = read_tasks(f.path());
    REQUIRE(found.size() == 1);
    return found[0];
  };
  const std::string d = "{\"_id\":\"d\",\"text\":\"x\"}\n", q = "{\"_id\":\"q\",\"text\":\"y\"}\n",
                    head = "query-id\tcorpus-id\tscore\n";
  CHECK(search(d, q, head + "q\td\t1\n").problems.empty());
  CHECK(search(d, q, "q\td\t1\n").problems.empty());  // without a header
  CHECK(has(search(d, q, head + "q\td\t1\nq\te\t1\n").problems.at(0), "qrels.tsv, line 3: no document of"));
  CHECK(has(search(d, q, head + "p\td\t1\n").problems.at(0), "qrels.tsv, line 2: no query of"));
  CHECK(has(search(d, q, head + "q\td\n").problems.at(0), "line 2: expected query-id"));
  CHECK(has(search(d, q, head + "q\td\tyes\n").problems.at(0), "line 2: score"));
  CHECK(has(search(d, q, head).problems.at(0), "no query has a relevant document"));
  CHECK(has(search(d + d, q, head + "q\td\t1\n").problems.at(0),
            "corpus.jsonl, line 2: the id \"d\" stands there twice"));
  const FoundTask part = search(d, q + "{\"_id\":\"r\",\"text\":\"z\"}\n", head + "q\td\t1\n");
  CHECK(has(part.problems.at(0), "queries.jsonl, line 2: "));
  REQUIRE(part.task);  // the other query is there
  CHECK(part.task->texts()[0].size() == 1);

  const Folder f("labels");
  f.write("train.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n");
  f.write("test.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n");
  f.write("tasks.json", one_task("classification", {"train.jsonl", "test.jsonl"}));
  CHECK(has(problem(f), "train.jsonl: 1 label, at least two"));
}

TEST_CASE("samples of tasks") {
  const Folder f("sample");
  std::string corpus, queries, qrels = "query-id\tcorpus-id\tscore\n", labelled;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    corpus += "{\"_id\":\"" + n + "\",\"text\":\"document " + n + "\"}\n";
    queries += "{\"_id\":\"" + n + "\",\"text\":\"query " + n + "\"}\n";
    qrels += n + "\t" + n + "\t1\n";
    labelled += "{\"text\":\"text " + n + "\",\"label\":" + std::to_string(i % 4) + "}\n";
  }
  f.write("corpus.jsonl", corpus);
  f.write("queries.jsonl", queries);
  f.write("qrels.tsv", qrels);
  f.write("train.jsonl", labelled);
  f.write("test.jsonl", labelled);
  f.write("tasks.json",
          Json::array(
              {{{"name", "r"}, {"category", "retrieval"}, {"files", {"corpus.jsonl", "queries.jsonl", "qrels.tsv"}}},
               {{"name", "c"}, {"category", "classification"}, {"files", {"train.jsonl", "test.jsonl"}}},
               {{"name", "k"}, {"category", "clustering"}, {"files", {"train.jsonl"}}}})
              .dump());
  const auto found = read_tasks(f.path(), {{}, 0.2, 9});
  const auto* retrieval = found[0].task->as<Retrieval>();
  REQUIRE(retrieval);
  CHECK(retrieval->texts()[0].size() == 200);
  CHECK(retrieval->texts()[1].size() > 300);  // the relevant ones, and a fifth of the others
  CHECK(retrieval->texts()[1].size() < 400);
  for (Index i = 0; i < 200; ++i) {
    const auto& relevant = retrieval->relevant()[static_cast<std::size_t>(i)];
    REQUIRE(relevant.size() == 1);
    const std::string query = retrieval->texts()[0].texts[static_cast<std::size_t>(i)],
                      document = retrieval->texts()[1].texts[static_cast<std::size_t>(relevant.begin()->first)];
    CHECK(query.substr(6) == document.substr(9));
  }
  const auto* classification = found[1].task->as<Classification>();
  REQUIRE(classification);
  CHECK(classification->test_labels().size() == 200);
  CHECK(classification->texts()[0].size() <= 3 * 4 * 8);  // three draws
  CHECK(found[2].task->as<Clustering>()->labels().size() == 200);
  const auto again = read_tasks(f.path(), {{}, 0.2, 9});
  CHECK(again[0].task->texts()[1].texts == found[0].task->texts()[1].texts);
}
