#include <doctest/doctest.h>

#include <chrono>
#include <nvembed/io/gguf.hpp>
#include <nvembed/io/tokenizer_gguf.hpp>
#include <nvembed/io/tokenizer_json.hpp>
#include <nvembed/text/bpe_tokenizer.hpp>
#include <support/golden.hpp>
#include <support/model.hpp>
#include <thread>

using namespace nvembed;
using namespace nvembed::text;

static_assert(Tokenizer<BpeTokenizer> && Tokenizer<AnyTokenizer>);

namespace {
using Ids = std::vector<TokenId>;

AnyTokenizer from_json(const std::string& name) { return tokenizer_from_json(golden::content(name), name); }
Ids ids(const AnyTokenizer& t, std::string_view text, const TokenizeOptions& options = {}) {
  Ids out;
  t.encode(text, out, options);
  return out;
}
/// Words and odd characters, with a letter before a space now and then; over `bytes` bytes.
std::string long_text(std::size_t bytes) {
  std::string text;
  for (unsigned i = 0; text.size() < bytes; ++i) {
    const char* parts[] = {"the lake",      " froze  for ", "114 days", ",\n\n",
                           "\u4f60\u597d ", "e\u0301",      " don't",   "</s> x"};
    text += parts[(i * i + i / 7) % 8];
  }
  return text;
}
std::vector<AnyTokenizer> all() {
  std::vector<AnyTokenizer> out{tokenizer_from_gguf(Gguf(model::smollm2())), from_json("nvembed_tiny/tokenizer.json"),
                                tokenizer_from_gguf(Gguf(golden::path("quant/llama.gguf")))};
  for (const char* name : {"gpt2", "smollm2", "llama3", "qwen2", "added_flags", "spm", "metaspace"})
    out.push_back(from_json("tokenizers/" + std::string(name) + ".json"));
  return out;
}
}  // namespace

TEST_CASE("a limit gives the beginning of what there is without it, and saves work") {
  const std::string text = long_text(200000);
  for (const AnyTokenizer& t : all())
    for (const bool special : {false, true}) {
      const Ids whole = ids(t, text, {.parse_special = special});
      for (const Index limit : {Index{0}, Index{1}, Index{7}, Index{512}, Index{20000}}) {
        const Ids some = ids(t, text, {.parse_special = special, .limit = limit});
        REQUIRE(static_cast<Index>(some.size()) > limit);
        CHECK(std::equal(some.begin(), some.begin() + limit + 1, whole.begin()));
        CHECK(some.size() < static_cast<std::size_t>(limit) + 100);  // no word of this text has as many tokens
      }
    }
}

TEST_CASE("cutting a text into windows changes nothing") {
  // A text with no letter before a space is one window; with the letters put between, tokens of the parts must agree.
  for (const AnyTokenizer& t : all()) {
    const std::string part = long_text(30000) + "end";
    const Ids first = ids(t, part);
    Ids expected = first;
    for (int i = 0; i < 2; ++i) {  // a part that follows: what comes behind "end" in a text of two small parts
      const Ids both = ids(t, "end " + part);
      const Ids head = ids(t, "end");
      REQUIRE(std::equal(head.begin(), head.end(), both.begin()));
      expected.insert(expected.end(), both.begin() + static_cast<std::ptrdiff_t>(head.size()), both.end());
    }
    CHECK(ids(t, part + " " + part + " " + part) == expected);
  }
}

TEST_CASE("ends grow, stay inside the text and lie behind what the tokens spell") {
  for (const AnyTokenizer& t : all()) {
    for (const std::string& text :
         {std::string("Instruct: do\nQuery: are e\u0301t\u00e9 \u4f60\u597d  \U0001f600</s>x"), long_text(80000)}) {
      std::vector<Index> ends;
      const Ids got = ids(t, text, {.parse_special = true, .ends = &ends});
      REQUIRE(ends.size() == got.size());
      CHECK(got == ids(t, text, {.parse_special = true}));
      CHECK(std::is_sorted(ends.begin(), ends.end()));
      CHECK(ends.back() == static_cast<Index>(text.size()));
    }
  }
}

TEST_CASE("ends do not go back where an added token is found in the white space that one before it took") {
  TokenizerSpec spec;
  spec.model.pieces = {{"a", 0}};
  spec.added = {{.content = "R", .id = 1, .rstrip = true}, {.content = " ", .id = 2}};
  const BpeTokenizer t(spec);
  Ids out;
  std::vector<Index> ends;
  t.encode("R  a", out, {.ends = &ends});
  CHECK(out == Ids{1, 2, 2, 0});
  CHECK(ends == std::vector<Index>{3, 3, 3, 4});
}

TEST_CASE("ends say which tokens an instruction takes") {
  const auto t = from_json("nvembed_tiny/tokenizer.json");
  const std::string prefix = "Instruct: Given a question, retrieve passages that answer the question\nQuery: ";
  for (const auto& [text, inside] : {std::pair<std::string, int>{"are judo throws", 17}, {"123", 18}, {"", 18}}) {
    std::vector<Index> ends;
    ids(t, prefix + text, {.ends = &ends});
    CHECK(std::count_if(ends.begin(), ends.end(), [&](Index e) { return e <= static_cast<Index>(prefix.size()); }) ==
          inside);
  }
}

TEST_CASE("output is appended; empty texts and NUL bytes are texts") {
  const auto t = from_json("nvembed_tiny/tokenizer.json");
  Ids out{7};
  t.encode("", out);
  CHECK(out == Ids{7});
  t.encode(std::string_view("\0", 1), out);
  CHECK(out == Ids{7, 28705, 3});
}

TEST_CASE("invalid UTF-8 anywhere is an error, also behind the limit") {
  for (const AnyTokenizer& t : all()) {
    Ids out;
    CHECK_THROWS_AS(t.encode("ab\xFF", out), InputError);
    CHECK_THROWS_AS(t.encode(long_text(100000) + "\xC3", out, {.limit = 3}), InputError);
    CHECK(out.empty());
  }
}

TEST_CASE("one tokenizer serves many threads and its copies outlive it") {
  auto t = std::make_unique<AnyTokenizer>(from_json("tokenizers/qwen2.json"));
  const AnyTokenizer copy = *t;
  const std::string text = long_text(50000);
  const Ids expected = ids(*t, text);
  t.reset();
  std::vector<Ids> got(4);
  std::vector<std::thread> threads;
  for (Ids& g : got) threads.emplace_back([&] { copy.encode(text, g); });
  for (auto& thread : threads) thread.join();
  for (const Ids& g : got) CHECK(g == expected);
}

TEST_CASE("names, frames, BOS and EOS") {
  const auto t = from_json("nvembed_tiny/tokenizer.json");
  CHECK(t.bos() == 1);
  CHECK(!t.eos());
  CHECK(t.token(560) == "\u2581In");
  CHECK(t.token(-1).empty());
  CHECK(t.token(1 << 30).empty());
  const auto framed = t.with_frame({1}, {2}).with_bos_eos(1, t.find("</s>"));
  CHECK(framed.after() == Ids{2});
  CHECK(framed.eos() == 2);
  CHECK(t.after().empty());
  CHECK(!AnyTokenizer());
}

TEST_CASE("a megabyte of one character") {
  for (const AnyTokenizer& t : {tokenizer_from_gguf(Gguf(model::smollm2())), from_json("nvembed_tiny/tokenizer.json"),
                                from_json("tokenizers/llama3.json")})
    for (const char* c : {"a", " ", "\u00e9", "\n", "\u0301"}) {
      std::string text;
      while (text.size() < 1000000) text += c;
      const auto start = std::chrono::steady_clock::now();
      CHECK(!ids(t, text).empty());
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));  // a quadratic engine takes hours
    }
}
