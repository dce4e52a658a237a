#include <nvembed/train/record_file.hpp>
#include <thread>

#include "support.hpp"

using namespace train_test;

TEST_CASE("record file: records by number") {
  const Folder f("file");
  const std::string path = f.write("r.jsonl",
                                   "\xEF\xBB\xBF{\"query\": \"q0\", \"positive\": [\"a\"], \"negative\": [\"n\"]}\r\n"
                                   "\n  \t\r\n"
                                   "{\"query\": \"q1\", \"positive\": [\"b\", \"c\"]}\n"
                                   "{\"query\": \"q2\", \"positive\": [\"d\"], \"negative\": [\"d\"]}");
  Texts told;
  const RecordFile file(path, {.notice = [&](const std::string& s) { told.push_back(s); }});
  REQUIRE(file.size() == 3);
  CHECK(file.at(2) == Record{"q2", {"d"}, {}});
  CHECK(file.at(0) == Record{"q0", {"a"}, {"n"}});
  CHECK(file.at(1) == Record{"q1", {"b", "c"}, {}});
  CHECK(file.where(0) == path + ", line 1");
  CHECK(file.where(1) == path + ", line 4");
  CHECK(file.where(2) == path + ", line 5");
  CHECK(file.path() == path);
  CHECK(file.counts() == RecordCounts{3, 1, 4, 1, 0, 1, 0, 0});
  CHECK(told == Texts{"[records] " + path +
                      ": texts left out of records: 1 negatives that equal a positive, 0 negatives that equal the "
                      "query, 0 that stand there twice"});
  CHECK_THROWS_AS(file.at(-1), InputError);
  CHECK(message_of<InputError>([&] { file.at(3); }) == "[records] " + path + " has no record 3, it has 3");
}

TEST_CASE("record file: a broken record is an error, or skipped, counted and told") {
  const Folder f("broken");
  const std::string path = f.write("r.jsonl",
                                   "{\"query\": \"q0\", \"positive\": [\"a\"]}\n"
                                   "{\"query\": \"q1\", \"positive\": []}\n\n"
                                   "{\"query\": \"q2\", \"positive\": [\"b\"]\n"
                                   "{\"query\": \"q3\", \"positive\": [\"c\"]}\n");
  CHECK(message_of<FileError>([&] { RecordFile{path}; }) == "[records] " + path + ", line 2: positive: is empty");
  Texts told;
  const RecordFile file(
      path, {.on_bad_record = OnBadRecord::skip, .notice = [&](const std::string& s) { told.push_back(s); }});
  REQUIRE(file.size() == 2);
  CHECK(file.at(1).query == "q3");
  CHECK(file.where(1) == path + ", line 5");
  CHECK(file.counts() == RecordCounts{2, 0, 2, 0, 2, 0, 0, 0});
  REQUIRE(told.size() == 2);
  CHECK(told[0] == "[records] " + path + ", line 2: positive: is empty; left out");
  CHECK(told[1].starts_with("[json] " + path + ", line 4: parse error at column "));
  CHECK(RecordFile(path, {.on_bad_record = OnBadRecord::skip}).size() == 2);

  CHECK(message_of<FileError>([&] { RecordFile{f.write("empty.jsonl", "\n\n")}; }) ==
        "[records] " + f.path("empty.jsonl") + ": no records");
  CHECK(message_of<FileError>([&] { RecordFile(f.write("none.jsonl", "{}"), {.on_bad_record = OnBadRecord::skip}); }) ==
        "[records] " + f.path("none.jsonl") + ": no usable records");
  CHECK_THROWS_AS(RecordFile{f.path("nowhere.jsonl")}, FileError);
  CHECK_THROWS_AS(RecordFile{f.path()}, FileError);
}

TEST_CASE("record file: many threads read one file") {
  const Folder f("threads");
  std::string lines;
  for (int i = 0; i < 500; ++i)
    lines += "{\"query\": \"q" + std::to_string(i) + "\", \"positive\": [\"p" + std::to_string(i) + "\"]}\n";
  const RecordFile file(f.write("r.jsonl", lines));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (Index i = 0; i < file.size(); ++i) wrong[t] += file.at(i).positives[0] != "p" + std::to_string(i);
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == std::vector<int>(4));
}
