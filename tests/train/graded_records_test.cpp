#include <cmath>
#include <nvembed/train/any_records.hpp>
#include <nvembed/train/graded_records.hpp>
#include <nvembed/train/open_tasks.hpp>
#include <nvembed/train/read_training_tasks.hpp>
#include <train/support.hpp>

using namespace train_test;

TEST_CASE("graded pairs are records whose grade is brought to [0, 1]") {
  const Folder folder("graded");
  const std::string file = folder.write("pairs.jsonl", R"({"text1": "a plane", "text2": "an aircraft", "score": 4.5}

{"text1": "a plane", "text2": "a plank", "score": 1, "id": 7}
)");
  const GradedRecords pairs(file, {1, 5});
  static_assert(Records<GradedRecords>);
  CHECK(pairs.size() == 2);
  CHECK(pairs.at(0) == Record{"a plane", {"an aircraft"}, {}, 0.875});
  CHECK(pairs.at(1) == Record{"a plane", {"a plank"}, {}, 0.0});
  CHECK(pairs.where(1) == file + ", line 3");
  CHECK(pairs.counts().records == 2);
  CHECK_THROWS_AS(pairs.at(2), InputError);
}

TEST_CASE("what is wrong with a graded pair is told with its line, or it is left out") {
  const Folder folder("graded_bad");
  const auto told = [&](const std::string& line) {
    const std::string file = folder.write("bad.jsonl", R"({"text1": "a", "text2": "b", "score": 0})"
                                                       "\n" +
                                                           line + "\n");
    return message_of<FileError>([&] { GradedRecords(file, {0, 5}); });
  };
  const std::string at = "[records] " + folder.path("bad.jsonl") + ", line 2";
  CHECK(told(R"({"text1": "a", "text2": "b", "score": 5.5})") ==
        at + ": score: is 5.5; the task's grades go from 0 to 5");
  CHECK(told(R"({"text1": "a", "text2": "b", "score": "5"})").find("line 2: score") != std::string::npos);
  CHECK(told(R"({"text1": "a", "text2": " ", "score": 5})").find("line 2: text2") != std::string::npos);
  CHECK(told(R"({"text1": "a", "score": 5})").find("text2") != std::string::npos);
  CHECK(told("{").find("line 2") != std::string::npos);

  std::vector<std::string> notices;
  RecordFileOptions skip;
  skip.on_bad_record = OnBadRecord::skip;
  skip.notice = [&](const std::string& line) { notices.push_back(line); };
  const GradedRecords left(folder.path("bad.jsonl"), {0, 5}, skip);
  CHECK(left.size() == 1);
  CHECK(left.counts().bad == 1);
  CHECK(notices.size() == 1);
  CHECK_THROWS_AS(GradedRecords(folder.write("none.jsonl", "{}\n"), {0, 5}, skip), FileError);
}

TEST_CASE("tasks.json says which files hold graded pairs") {
  const Folder folder("graded_tasks");
  folder.write("pairs.jsonl", R"({"text1": "a", "text2": "b", "score": 3})");
  const auto tasks = [&](const std::string& more) {
    return folder.write("tasks.json", R"([{"name": "pairs", "kind": "sts", "instruction": "Compare", "symmetric": true,
      "in_batch_negatives": false)" + more +
                                          "}]");
  };
  std::vector<std::string> notices;
  OpenTasksOptions options;
  options.files.notice = [&](const std::string& line) { notices.push_back(line); };
  const auto opened = open_tasks(tasks(R"(, "grades": [0, 4], "count": 1)"), options);
  CHECK(opened.at(0).records.at(0).grade == 0.75);
  CHECK(notices.empty());  // pairs need no negatives
  const auto told = [&](const std::string& more) {
    const std::string file = tasks(more);
    return message_of<FileError>([&] { read_training_tasks(file); });
  };
  CHECK(told(R"(, "grades": [4, 4])").find("grades: 4 is not below 4") != std::string::npos);
  CHECK(told(R"(, "grades": [4])").find("expected the lowest and the highest") != std::string::npos);
  CHECK(told(R"(, "grades": [0, 4], "from_labels": "label")").find("grades do not go with") != std::string::npos);
}
