#include <nvembed/train/open_tasks.hpp>
#include <nvembed/train/record_list.hpp>

#include "support.hpp"

using namespace train_test;

namespace {

constexpr const char* tasks = R"([
 {"name": "search", "kind": "retrieval", "instruction": "Find it", "symmetric": false, "in_batch_negatives": true,
  "count": 2},
 {"name": "pairs", "kind": "sts", "instruction": "Alike", "symmetric": true, "in_batch_negatives": false},
 {"name": "topics", "kind": "classification", "instruction": "", "symmetric": true, "in_batch_negatives": false,
  "from_labels": "example", "negatives": 1, "count": 6}
])";

}  // namespace

TEST_CASE("open tasks: records of a folder") {
  const Folder f("open");
  f.write("tasks.json", tasks);
  f.write("search.jsonl",
          "{\"query\": \"q\", \"positive\": [\"a\"], \"negative\": [\"a\", \"n\"]}\n{\"query\": \"r\", \"positive\": "
          "[\"b\"]}\n");
  f.write("pairs.jsonl", "{\"query\": \"q\", \"positive\": [\"a\"]}\n");
  f.write("topics.jsonl",
          "{\"text\": \"a\", \"label\": 0}\n{\"text\": \"b\", \"label\": 0}\n{\"text\": \"b\", \"label\": 0}\n"
          "{\"text\": \"c\", \"label\": 1}\n{\"text\": \"d\", \"label\": 1}\n{\"text\": \"e\", \"label\": 2}\n");
  Texts told;
  OpenTasksOptions options;
  options.files.notice = [&](const std::string& s) { told.push_back(s); };
  const auto opened = open_tasks(f.path(), options);
  REQUIRE(opened.size() == 3);
  CHECK(record_numbers(opened) == std::vector<Index>{2, 1, 4});
  CHECK(opened[0].counts == RecordCounts{2, 1, 2, 1, 0, 1, 0, 0});
  CHECK(opened[0].records.at(0) == Record{"q", {"a"}, {"n"}});
  CHECK(opened[0].records.where(1) == f.path("search.jsonl") + ", line 2");
  CHECK(opened[2].records.at(3).query == "d");
  CHECK(opened[2].records.at(3).positives == Texts{"c"});
  CHECK(opened[2].counts.repeated == 1);
  REQUIRE(told.size() == 3);
  CHECK(told[1] ==
        "[training_tasks] " + f.path("pairs.jsonl") +
            ": 1 of 1 records have no negatives, and the task has no in-batch ones: they teach nothing until "
            "negatives are mined");

  // A task's records do not depend on which others are there.
  options.only = {"classification"};
  const auto alone = open_tasks(f.path(), options);
  REQUIRE(alone.size() == 1);
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch)
    CHECK(alone[0].records.at(0, epoch) == opened[2].records.at(0, epoch));
}

TEST_CASE("open tasks: a file that was cut is told") {
  const Folder f("cut");
  f.write("tasks.json", tasks);
  f.write("search.jsonl", "{\"query\": \"q\", \"positive\": [\"a\"]}\n");
  OpenTasksOptions options;
  options.only = {"search"};
  CHECK(message_of<FileError>([&] { open_tasks(f.path(), options); }) ==
        "[training_tasks] " + f.path("search.jsonl") + ": 1 records, but task search says 2");
  // A record that is skipped counts as there.
  f.write("search.jsonl", "{\"query\": \"q\", \"positive\": [\"a\"]}\n{}\n");
  options.files.on_bad_record = OnBadRecord::skip;
  CHECK(open_tasks(f.path(), options)[0].records.size() == 1);
  options.only = {"pairs"};
  CHECK_THROWS_AS(open_tasks(f.path(), options), FileError);
}

TEST_CASE("records in memory") {
  const AnyRecords list = RecordList({{"q", {"a"}, {}}, {"r", {"b"}, {}}}, "mine");
  CHECK(list.size() == 2);
  CHECK(list.at(1, 7).query == "r");
  CHECK(list.where(1) == "mine, record 1");
  CHECK(message_of<InputError>([&] { list.at(2); }) == "[records] mine has no record 2, it has 2");
}
