#include <doctest/doctest.h>

#include <chrono>
#include <nvembed/text/bpe.hpp>
#include <random>
#include <string>
#include <vector>

using namespace nvembed;
using namespace nvembed::text;

namespace {
using Ids = std::vector<TokenId>;
Ids ids(const Bpe& bpe, std::string_view word) {
  std::vector<Symbol> symbols;
  bpe.encode(word, symbols);
  Ids out;
  for (const Symbol& s : symbols) out.push_back(s.id);
  return out;
}
std::string error(const BpeSpec& spec) {
  try {
    Bpe bpe(spec);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

const std::vector<std::pair<std::string_view, TokenId>> letters{{"a", 0},  {"b", 1},   {"c", 2},  {"ab", 3},
                                                                {"bc", 4}, {"abc", 5}, {"aa", 6}, {"aaaa", 7}};
}  // namespace

TEST_CASE("merges go by rank, then from the left") {
  BpeSpec spec{.pieces = letters, .merges = {{"b", "c"}, {"a", "b"}, {"a", "a"}, {"aa", "aa"}}};
  const Bpe bpe(spec);
  CHECK(ids(bpe, "abc") == Ids{0, 4});
  CHECK(ids(bpe, "ab") == Ids{3});
  CHECK(ids(bpe, "aaa") == Ids{6, 0});
  CHECK(ids(bpe, "aaaaaaa") == Ids{7, 6, 0});
  CHECK(ids(bpe, "").empty());
  CHECK(bpe.whole("abc") == -1);  // a piece that its own letters do not merge into
  spec.ignore_merges = true;
  CHECK(ids(Bpe(spec), "abc") == Ids{5});
}

TEST_CASE("short and long words are merged by the same rule") {
  BpeSpec spec{.pieces = letters, .merges = {{"a", "a"}, {"b", "c"}, {"a", "b"}, {"ab", "c"}, {"aa", "aa"}}};
  const Bpe bpe(spec);
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string word;
    for (int i = 0; i < 20; ++i) word += "abc"[random() % 3];
    // Behind a character without a piece nothing changes in the word before it.
    Ids expected = ids(bpe, word), longer = ids(bpe, word + "c" + std::string(40, 'c'));
    if (word.back() == 'c') {  // "cc" is no piece: what follows does not reach into the word
      longer.resize(expected.size());
      CHECK(longer == expected);
    }
  }
}

TEST_CASE("unknown characters: left out, unknown token, fused, bytes") {
  BpeSpec spec{.pieces = {{"a", 0}, {"?", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}, {"aa", 4}}, .merges = {{"a", "a"}}};
  CHECK(ids(Bpe(spec), "a\u00e9a") == Ids{4});  // what is left out does not keep its neighbours apart
  spec.unknown = 1;
  CHECK(ids(Bpe(spec), "a\u00e9\u4f60a") == Ids{0, 1, 1, 0});
  spec.fuse_unknown = true;
  CHECK(ids(Bpe(spec), "a\u00e9\u4f60a") == Ids{0, 1, 0});
  spec.byte_fallback = true;
  CHECK(ids(Bpe(spec), "a\u00e9a\u4f60") == Ids{0, 2, 3, 0, 1});  // U+4F60 lacks its bytes
}

TEST_CASE("scores: the best joined piece first; characters that are no piece still merge") {
  BpeSpec spec{.pieces = {{"<unk>", 0}, {"a", 1}, {"ab", 2}, {"bc", 3}, {"abc", 4}, {"xy", 5}, {"<s>", 6}},
               .scores = {0, -9, -2, -1, -3, -4, 0},
               .usable = {false, true, true, true, true, true, false},
               .unknown = 0,
               .fuse_unknown = true};
  const Bpe bpe(spec);
  CHECK(ids(bpe, "abc") == Ids{4});  // b, c are no pieces: bc, then a + bc
  CHECK(ids(bpe, "abx") == Ids{2, 0});
  CHECK(ids(bpe, "xyxx") == Ids{5, 0});
  CHECK(ids(bpe, "<s>") == Ids{0});
}

TEST_CASE("ends of tokens in bytes of the word") {
  BpeSpec spec{.pieces = {{"a", 0}, {"\u00e9", 1}, {"a\u00e9", 2}, {"<0xE4>", 3}, {"<0xBD>", 4}, {"<0xA0>", 5}},
               .merges = {{"a", "\u00e9"}},
               .byte_fallback = true};
  std::vector<Symbol> symbols;
  Bpe(spec).encode("a\u00e9\u4f60a", symbols);
  std::vector<std::uint32_t> ends;
  for (const Symbol& s : symbols) ends.push_back(s.end);
  CHECK(ends == std::vector<std::uint32_t>{3, 4, 5, 6, 7});
}

TEST_CASE("a copy or moved-to model does not need the first one") {
  auto first = std::make_unique<Bpe>(BpeSpec{.pieces = letters, .merges = {{"a", "b"}}});
  Bpe copy = *first;
  const Bpe moved = std::move(*first);
  first.reset();
  CHECK(ids(copy, "abc") == Ids{3, 2});
  CHECK(ids(moved, "abc") == Ids{3, 2});
  CHECK(moved.text(3) == "ab");
  CHECK(moved.text(99).empty());
  CHECK(moved.text(-1).empty());
  CHECK(moved.find("bc") == 4);
  CHECK(!moved.find("cb"));
}

TEST_CASE("models that contradict themselves are refused, and nothing is sized by what they claim") {
  CHECK(has(error({.pieces = {{"a", 0}, {"b", 0}}}), "the id 0 is given to two pieces"));
  CHECK(has(error({.pieces = {{"a", -1}}}), "-1"));
  CHECK(has(error({.pieces = {{"a", 0}, {"b", 2000000000}}}), "there are only 2 pieces"));
  CHECK(has(error({.pieces = {{"a", 0}}, .merges = {{"a", "b"}}}), "merge 0 names the piece 'b'"));
  CHECK(has(error({.pieces = {{"a", 0}, {"b", 1}}, .merges = {{"a", "b"}}}), "'ab'"));
  CHECK(has(error({.pieces = {{"\xFF", 0}}}), "piece 0 is not valid UTF-8"));
  CHECK(has(error({.pieces = {{"a", 0}}, .scores = {0, 1}}), "2 scores for 1 pieces"));
}

TEST_CASE("a word of a million characters takes no quadratic time") {
  const Bpe bpe(BpeSpec{.pieces = letters, .merges = {{"a", "a"}, {"aa", "aa"}, {"a", "b"}}});
  const auto start = std::chrono::steady_clock::now();
  CHECK(ids(bpe, std::string(1 << 20, 'a')).size() == 1 << 18);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}
