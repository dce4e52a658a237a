#include <nvembed/train/read_training_tasks.hpp>

#include "support.hpp"

using namespace train_test;

namespace {

constexpr const char* two = R"([
 {"name": "search", "kind": "retrieval", "instruction": "Find it", "symmetric": false, "in_batch_negatives": true,
  "count": 3, "with_negatives": 1, "licence": "none", "source": {"any": ["thing"]}},
 {"name": "topics", "kind": "classification", "instruction": "", "symmetric": true, "in_batch_negatives": false,
  "file": "sub/topics.jsonl", "from_labels": "label", "negatives": 3, "label_texts": {"0": "no", "1": "yes"}}
])";

}  // namespace

TEST_CASE("training tasks: what tasks.json says") {
  const Folder f("tasks");
  f.write("tasks.json", two);
  for (const std::string& path : {f.path(), f.path("tasks.json")}) {
    const auto tasks = read_training_tasks(path);
    REQUIRE(tasks.size() == 2);
    CHECK(tasks[0].name == "search");
    CHECK(tasks[0].kind == "retrieval");
    CHECK(tasks[0].instruction == "Find it");
    CHECK(!tasks[0].symmetric);
    CHECK(tasks[0].in_batch_negatives);
    CHECK(tasks[0].count == 3);
    CHECK(tasks[0].file == f.path("search.jsonl"));
    CHECK(!tasks[0].labels);
    CHECK(tasks[1].symmetric);
    CHECK(!tasks[1].in_batch_negatives);
    CHECK(tasks[1].count == 0);
    CHECK(tasks[1].file == f.path("sub/topics.jsonl"));
    REQUIRE(tasks[1].labels);
    CHECK(tasks[1].labels->mode == LabelMode::label);
    CHECK(tasks[1].labels->negatives == 3);
    CHECK(tasks[1].labels->texts.at("1") == "yes");
  }
  REQUIRE(read_training_tasks(f.path(), {"classification"}).size() == 1);
  CHECK(read_training_tasks(f.path(), {"search"})[0].name == "search");
  CHECK(read_training_tasks(f.path(), {"topics", "retrieval"}).size() == 2);
  CHECK(message_of<InputError>([&] { read_training_tasks(f.path(), {"serach"}); }) ==
        "[training_tasks] " + f.path("tasks.json") + " has no task or kind \"serach\"; its tasks are search, topics");
}

TEST_CASE("training tasks: what is wrong is named with file and task") {
  const Folder f("tasks_wrong");
  const std::string at = f.path("tasks.json");
  const auto is = [&](const std::string& content, const std::string& expected) {
    f.write("tasks.json", content);
    CHECK(message_of<FileError>([&] { read_training_tasks(f.path()); }) == expected);
  };
  /// A task without one key, or with another value there.
  const auto with = [](const std::string& key, const std::string& value) {
    std::string s;
    for (const auto& [k, v] : std::vector<std::pair<std::string, std::string>>{{"name", "\"t\""},
                                                                               {"kind", "\"sts\""},
                                                                               {"instruction", "\"\""},
                                                                               {"symmetric", "true"},
                                                                               {"in_batch_negatives", "false"}}) {
      const std::string& given = k == key ? value : v;
      if (!given.empty()) s += (s.empty() ? "{\"" : ", \"") + k + "\": " + given;
    }
    return s;
  };
  const auto one = [&](const std::string& key, const std::string& value) { return "[" + with(key, value) + "}]"; };
  for (const char* key : {"kind", "instruction", "symmetric", "in_batch_negatives"})
    is(one(key, ""), "[json] " + at + ": task 1 (t): key \"" + key + "\" is missing");
  is(one("name", ""), "[json] " + at + ": task 1: key \"name\" is missing");
  is(one("name", "\"\""), "[training_tasks] " + at + ": task 1: name: is empty");
  is(one("symmetric", "\"yes\""), "[json] " + at + ": task 1 (t): symmetric: expected true or false, found \"yes\"");
  is(one("instruction", "7"), "[json] " + at + ": task 1 (t): instruction: expected a string, found number 7");
  is("[" + with("", "") + "}, " + with("", "") + "}]",
     "[training_tasks] " + at + ": task 2 (t): a task before it has the same name");
  is("[" + with("", "") + ", \"count\": 0}]", "[training_tasks] " + at + ": task 1 (t): count: is 0");
  is("[" + with("", "") + ", \"count\": 2.5}]",
     "[json] " + at + ": task 1 (t): count: expected an integer, found number 2.5");
  is("[" + with("", "") + ", \"from_labels\": \"both\"}]",
     "[training_tasks] " + at + ": task 1 (t): from_labels: expected \"example\" or \"label\", found \"both\"");
  is("[" + with("", "") + ", \"from_labels\": \"example\", \"negatives\": 0}]",
     "[training_tasks] " + at + ": task 1 (t): negatives: is 0");
  is("[" + with("", "") + ", \"label_texts\": {}}]",
     "[training_tasks] " + at + ": task 1 (t): label_texts goes with from_labels");
  is("{}", "[training_tasks] " + at + ": expected an array of tasks, found object");
  is("[]", "[training_tasks] " + at + ": no tasks");
  is("[3]", "[json] " + at + ": task 1: an object with the key \"name\" was expected, found number");
  is("[" + with("", "") + ", \"kind\": \"nli\"}]", "[json] " + at + ": key \"kind\" stands there twice");
  CHECK_THROWS_AS(read_training_tasks(f.path("nowhere")), FileError);
}
