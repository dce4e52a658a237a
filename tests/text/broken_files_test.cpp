#include <doctest/doctest.h>

#include <functional>
#include <nvembed/io/tokenizer_json.hpp>
#include <support/golden.hpp>

using namespace nvembed;

namespace {

/// The message for a good small tokenizer after `spoil`; empty where it is still read.
std::string message(const std::function<void(Json&)>& spoil) {
  Json j = Json::parse(R"({"added_tokens": [{"id": 4, "content": "<s>", "special": true}],
    "normalizer": null, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                       "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
  spoil(j);
  try {
    tokenizer_from_json(j.dump(), "t.json");
  } catch (const FileError& e) {
    return e.what();
  }
  return "";
}
void refuses(const std::function<void(Json&)>& spoil, std::string_view part) {
  const std::string m = message(spoil);
  CAPTURE(m);
  CHECK(m.find("t.json") != m.npos);
  CHECK(m.find(part) != m.npos);
  CHECK(m.find('\n') == m.npos);
}

}  // namespace

TEST_CASE("the small tokenizer itself is read") {
  CHECK(message([](Json&) {}).empty());
  CHECK(message([](Json& j) { j["model"]["merges"] = Json::parse(R"([["a", "b"]])"); }).empty());
}

TEST_CASE("what is not known is named") {
  refuses([](Json& j) { j["model"]["type"] = "Unigram"; }, "tokenizer model 'Unigram' is not supported");
  refuses([](Json& j) { j["normalizer"] = {{"type", "Lowercase"}}; }, "'Lowercase'");
  refuses([](Json& j) { j["pre_tokenizer"] = {{"type", "Whitespace"}}; }, "'Whitespace'");
  refuses([](Json& j) { j["post_processor"] = {{"type", "RobertaProcessing"}}; }, "'RobertaProcessing'");
  refuses(
      [](Json& j) {
        j["pre_tokenizer"] = {{"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", "\\d+\n"}}}};
      },
      "unknown expression \\d+");
  refuses([](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix");
  refuses([](Json& j) { j["model"]["dropout"] = 0.1; }, "dropout");
}

TEST_CASE("ids and merges that cannot be right") {
  refuses([](Json& j) { j["model"]["vocab"]["c"] = -1; }, "the id -1");
  refuses([](Json& j) { j["model"]["vocab"]["c"] = std::int64_t{1} << 31; }, "the id 2147483648");
  refuses([](Json& j) { j["model"]["vocab"]["c"] = ~std::uint64_t{0}; }, "integer");
  refuses([](Json& j) { j["model"]["vocab"]["c"] = 1000000000; }, "the id 1000000000");
  refuses([](Json& j) { j["model"]["vocab"]["c"] = 1.5; }, "integer");
  refuses([](Json& j) { j["model"]["vocab"]["c"] = 2; }, "given to two pieces");
  refuses([](Json& j) { j["model"]["merges"].push_back("a c"); }, "merge 1 names the piece 'c'");
  refuses([](Json& j) { j["model"]["merges"].push_back("ab"); }, "merge 1 is not two pieces");
  refuses([](Json& j) { j["model"]["merges"].push_back("a b c"); }, "merge 1 is not two pieces");
  refuses([](Json& j) { j["model"]["merges"].push_back({1, 2}); }, "merge 1 is not two pieces");
  refuses([](Json& j) { j["added_tokens"][0]["id"] = 2000000000; }, "the id 2000000000");
  refuses([](Json& j) { j["added_tokens"][0]["content"] = 5; }, "content");
  refuses([](Json& j) { j["model"]["unk_token"] = "<unk>"; }, "'<unk>'");
  refuses([](Json& j) { j["post_processor"]["special_tokens"]["<s>"]["ids"] = {77}; }, "the id 77");
  refuses([](Json& j) { j["post_processor"]["single"].erase(1); }, "leaves out the text");
  for (const char* part : {"vocab", "merges"}) refuses([&](Json& j) { j["model"].erase(part); }, part);
  refuses([](Json& j) { j.erase("model"); }, "model");
  refuses([](Json& j) { j = Json::array(); }, "object");
}

TEST_CASE("steps without end") {
  refuses(
      [](Json& j) {
        j["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Json::array()}};
        for (int i = 0; i < 65; ++i) j["pre_tokenizer"]["pretokenizers"].push_back({{"type", "Digits"}});
      },
      "a pre-tokenizer of 65 parts");
  const Json doubling{{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}};
  Json j = Json::parse(R"({"model": {"vocab": {"a": 0}, "merges": []}})");
  j["normalizer"] = {{"type", "Sequence"}, {"normalizers", std::vector<Json>(40, doubling)}};
  std::vector<TokenId> ids;
  CHECK_THROWS_WITH_AS(tokenizer_from_json(j.dump(), "t.json").encode("a", ids),
                       doctest::Contains("normalisation makes more than"), InputError);
}

TEST_CASE("a file that ends anywhere is an error, never a crash") {
  const std::string whole = golden::content("tokenizers/added_flags.json");
  for (std::size_t size = 0; size < whole.size(); size += 97)
    CHECK_THROWS_AS(tokenizer_from_json(whole.substr(0, size), "t.json"), FileError);
}
