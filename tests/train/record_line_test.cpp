#include <nvembed/train/record_line.hpp>

#include "support.hpp"

using namespace train_test;

TEST_CASE("record: what a line holds") {
  const Record r = parse_record(
      R"({"query": "q \"1\"\n", "positive": ["a", "\u00e9"], "negative": ["n"], "score": [0.5], "licence": null})",
      "f");
  CHECK(r.query == "q \"1\"\n");
  CHECK(r.positives == Texts{"a", "\xC3\xA9"});
  CHECK(r.negatives == Texts{"n"});
  CHECK(parse_record(R"({"positive": ["a"], "query": "q"})", "f").negatives.empty());
  CHECK(parse_record(R"({"positive": ["a"], "query": "q", "negative": null})", "f").negatives.empty());
  // A text may be its own answer: SimCSE's way to train without labels.
  CHECK(parse_record(R"({"query": "q", "positive": ["q"]})", "f").positives == Texts{"q"});
}

TEST_CASE("record: texts that would contradict each other are dropped and counted") {
  RecordCounts counts;
  const Record r = parse_record(
      R"({"query": "q", "positive": ["a", "b", "a"], "negative": ["n", "b", "q", "n", "n", "A", "q"]})", "f", &counts);
  CHECK(r.positives == Texts{"a", "b"});
  CHECK(r.negatives == Texts{"n", "A"});
  CHECK(counts == RecordCounts{1, 1, 2, 2, 0, 1, 2, 3});
  CHECK(counts.dropped() == 6);
  parse_record(R"({"query": "q", "positive": ["a"], "negative": ["a"]})", "f", &counts);
  CHECK(counts == RecordCounts{2, 1, 3, 2, 0, 2, 2, 3});
}

TEST_CASE("record: what is wrong with a line is named") {
  RecordCounts counts;
  const auto message = [&](const std::string& line) {
    return message_of<FileError>([&] { parse_record(line, "x.jsonl, line 7", &counts); });
  };
  const auto is = [&](const std::string& line, const std::string& expected) { CHECK(message(line) == expected); };
  is(R"([1])", "[json] x.jsonl, line 7: a JSON object was expected, found array");
  is(R"({"positive": ["a"]})", R"([json] x.jsonl, line 7: key "query" is missing)");
  is(R"({"query": null, "positive": ["a"]})", R"([json] x.jsonl, line 7: key "query" is missing)");
  is(R"({"query": 3, "positive": ["a"]})", "[json] x.jsonl, line 7: query: expected a string, found number 3");
  is(R"({"query": "", "positive": ["a"]})", "[records] x.jsonl, line 7: query: is empty");
  is(R"({"query": " \t\n", "positive": ["a"]})", "[records] x.jsonl, line 7: query: is blank");
  is(R"({"query": "q"})", R"([json] x.jsonl, line 7: key "positive" is missing)");
  is(R"({"query": "q", "positive": "a"})", R"([json] x.jsonl, line 7: positive: expected an array, found "a")");
  is(R"({"query": "q", "positive": []})", "[records] x.jsonl, line 7: positive: is empty");
  is(R"({"query": "q", "positive": ["a", ""]})", "[records] x.jsonl, line 7: positive, number 2: is empty");
  is(R"({"query": "q", "positive": [["a"]]})",
     "[json] x.jsonl, line 7: positive, number 1: expected a string, found array");
  is(R"({"query": "q", "positive": ["a"], "negative": [""]})",
     "[records] x.jsonl, line 7: negative, number 1: is empty");
  is(R"({"query": "q", "positive": ["a"], "negative": ["b", null]})",
     "[json] x.jsonl, line 7: negative, number 2: expected a string, found null");
  is(R"({"query": "q", "positive": ["a"], "negative": {"a": 1}})",
     "[json] x.jsonl, line 7: negative: expected an array, found object");
  CHECK(message(R"({"query": "q", "positive": ["a")").starts_with("[json] x.jsonl, line 7: parse error at column 3"));
  CHECK(message("{\"query\": \"q\xFF\", \"positive\": [\"a\"]}").find("UTF-8") != std::string::npos);
  CHECK(counts == RecordCounts{});
}

TEST_CASE("record: a line that is written is read again") {
  const Record r{"q\x01\t\"\\/\xC3\xA9\xF0\x9F\x98\x80", {"a\nb", "c"}, {"\x7F", std::string("n\0l", 3)}};
  const std::string line = record_line(r);
  CHECK(line.find('\n') == line.npos);
  CHECK(parse_record(line, "f") == r);
  CHECK(record_line({"q", {"a"}, {}}) == R"({"query": "q", "positive": ["a"], "negative": []})");
  CHECK_THROWS_AS(record_line({"q\xFF", {"a"}, {}}), InputError);
}
