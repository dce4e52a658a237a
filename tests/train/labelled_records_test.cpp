#include <map>
#include <nvembed/train/any_records.hpp>
#include <nvembed/train/labelled_records.hpp>
#include <set>

#include "support.hpp"

using namespace train_test;

namespace {

std::string line(const std::string& text, const std::string& label) {
  return "{\"text\": \"" + text + "\", \"label\": " + label + "}\n";
}

/// Classes 0, 1, 2 of 4, 6 and 5 texts, mixed.
std::string three_classes() {
  std::string s;
  for (int i = 0; i < 6; ++i)
    for (int c = 0; c < 3; ++c)
      if (i < (c == 0 ? 4 : c == 1 ? 6 : 5)) s += line(std::to_string(c) + "-" + std::to_string(i), std::to_string(c));
  return s;
}

}  // namespace

TEST_CASE("labelled records: examples of the class against examples of others") {
  const Folder f("labels");
  const LabelledRecords records(f.write("a.jsonl", three_classes()), {.negatives = 7}, 5);
  CHECK(records.counts() == LabelledCounts{15, 3, 0, 0, 0, 0});
  REQUIRE(records.size() == 15);
  std::map<std::string, double> drawn;
  for (Index i = 0; i < records.size(); ++i) {
    std::set<std::string> positives;
    const std::string query = records.at(i).query;
    const Index others = (query[0] == '0' ? 4 : query[0] == '1' ? 6 : 5) - 1;
    for (std::uint64_t epoch = 0; epoch < 60; ++epoch) {
      const Record r = records.at(i, epoch);
      CHECK(r == records.at(i, epoch));
      CHECK(r.query == query);
      REQUIRE(r.positives.size() == 1);
      CHECK(r.positives[0] != query);
      CHECK(r.positives[0][0] == query[0]);
      if (epoch < static_cast<std::uint64_t>(others)) positives.insert(r.positives[0]);
      REQUIRE(r.negatives.size() == 7);
      CHECK(std::set<std::string>(r.negatives.begin(), r.negatives.end()).size() == 7);
      for (const std::string& n : r.negatives) {
        CHECK(n[0] != query[0]);
        if (query[0] == '0') ++drawn[n];
      }
    }
    CHECK(static_cast<Index>(positives.size()) == others);  // each once before one comes again
  }
  REQUIRE(drawn.size() == 11);
  for (const auto& [text, count] : drawn) CHECK(count == doctest::Approx(240 * 7 / 11.0).epsilon(0.25));
  CHECK(records.where(3) == f.path("a.jsonl") + ", line 4");
  CHECK(records.at(0, 1).negatives != LabelledRecords(f.path("a.jsonl"), {}, 6).at(0, 1).negatives);
  CHECK(records.at(0, 1) == LabelledRecords(f.path("a.jsonl"), {}, 5).at(0, 1));
  CHECK(AnyRecords(records).at(0, 1) == records.at(0, 1));
  CHECK(LabelledRecords(f.path("a.jsonl"), {.negatives = 100}, 5).at(0).negatives.size() == 11);
  CHECK_THROWS_AS(records.at(15), InputError);
}

TEST_CASE("labelled records: the label's text against other labels'") {
  const Folder f("label_texts");
  const std::string path =
      f.write("a.jsonl", line("good", "1") + line("bad", "0") + line("so so", "\"mixed\"") + line("negative", "1"));
  const LabelledRecords records(path, {LabelMode::label, 7, {{"0", "negative"}, {"1", "positive"}}}, 5);
  REQUIRE(records.size() == 4);
  CHECK(records.at(0).positives == Texts{"positive"});
  CHECK(records.at(1).positives == Texts{"negative"});
  CHECK(records.at(2).positives == Texts{"mixed"});
  Texts negatives = records.at(2).negatives;
  std::sort(negatives.begin(), negatives.end());
  CHECK(negatives == Texts{"negative", "positive"});
  CHECK(records.at(3).negatives == Texts{"mixed"});  // "negative" is the text itself
  std::set<std::string> one;
  const LabelledRecords few(path, {LabelMode::label, 1, {}}, 5);
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    REQUIRE(few.at(0, epoch).negatives.size() == 1);
    one.insert(few.at(0, epoch).negatives[0]);
  }
  CHECK(one == std::set<std::string>{"0", "mixed"});
}

TEST_CASE("labelled records: texts that stand there twice, in two classes, or alone") {
  const Folder f("twice");
  std::string content = line("a", "0") + line("b", "0") + line("a", "0") + line("x", "1") + line("y", "1") +
                        line("a", "1") + line("lone", "2") + line("b", "1");
  Texts told;
  const LabelledRecords records(f.write("a.jsonl", content), {}, 1,
                                {.notice = [&](const std::string& s) { told.push_back(s); }});
  CHECK(records.counts() == LabelledCounts{6, 2, 0, 1, 1, 2});
  CHECK(told == Texts{"[records] " + f.path("a.jsonl") +
                      ": texts left out: 1 that their class had before, 1 that are alone in their class"});
  for (Index i = 0; i < records.size(); ++i)
    for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
      const Record r = records.at(i, epoch);
      CHECK(r.query != "lone");
      CHECK(r.positives[0] != r.query);
      for (const std::string& n : r.negatives) {
        CHECK(n != r.query);
        CHECK(n != r.positives[0]);
        CHECK(n != "lone");
      }
    }
  CHECK(records.where(5) == f.path("a.jsonl") + ", line 8");
  CHECK(LabelledRecords(f.path("a.jsonl"), {LabelMode::label}, 1).counts() == LabelledCounts{7, 3, 0, 1, 0, 2});
}

TEST_CASE("labelled records: what is wrong is named") {
  const Folder f("labels_wrong");
  const auto message = [&](const std::string& content, const LabelOptions& options = {}) {
    const std::string path = f.write("a.jsonl", content);
    return message_of<FileError>([&] { LabelledRecords(path, options, 1); });
  };
  const std::string at = f.path("a.jsonl"), good = line("a", "0") + line("b", "0") + line("c", "1") + line("d", "1");
  CHECK(message(good + "{\"text\": \"a\"}") == "[json] " + at + ", line 5: key \"label\" is missing");
  CHECK(message("{\"text\": \"\", \"label\": 0}") == "[records] " + at + ", line 1: text: is empty");
  CHECK(message("{\"text\": 1, \"label\": 0}") == "[json] " + at + ", line 1: text: expected a string, found number 1");
  CHECK(message(line("a", "0.5")) ==
        "[json] " + at + ", line 1: label: expected a string or an integer, found number 0.5");
  CHECK(message(line("a", "0") + line("b", "0")) ==
        "[records] " + at + ": 1 classes of two texts and more; records need texts of at least two");
  CHECK(message(line("a", "0") + line("b", "0") + line("c", "1")) ==
        "[records] " + at + ": 1 classes of two texts and more; records need texts of at least two");
  CHECK(message(line("a", "0"), {LabelMode::label}) ==
        "[records] " + at + ": 1 classes; records need texts of at least two");
  CHECK(message("") == "[records] " + at + ": 0 classes of two texts and more; records need texts of at least two");
  Texts told;
  f.write("a.jsonl", good + "{\"text\": \"a\"}\n" + line("e", "1"));
  const LabelledRecords skipped(
      at, {}, 1, {.on_bad_record = OnBadRecord::skip, .notice = [&](const std::string& s) { told.push_back(s); }});
  CHECK(skipped.counts() == LabelledCounts{5, 2, 1, 0, 0, 0});
  CHECK(told == Texts{"[json] " + at + ", line 5: key \"label\" is missing; left out"});
  CHECK(skipped.where(4) == at + ", line 6");
  CHECK_THROWS_AS(LabelledRecords(at, {.negatives = 0}, 1, {.on_bad_record = OnBadRecord::skip}), InputError);
  CHECK_THROWS_AS(LabelledRecords(at, {LabelMode::label, 7, {{"0", " "}}}, 1, {.on_bad_record = OnBadRecord::skip}),
                  InputError);
}
