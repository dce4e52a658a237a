#include <doctest/doctest.h>

#if defined(NVEMBED_WITH_SENTENCEPIECE)

#include <nvembed/io/tokenizer_json.hpp>
#include <nvembed/text/any_tokenizer.hpp>
#include <nvembed/text/sentencepiece.hpp>
#include <support/golden.hpp>

using namespace nvembed;

static_assert(Tokenizer<text::SentencePiece>);

TEST_CASE("the sentencepiece library on Mistral's tokenizer.model") {
  const text::SentencePiece t(golden::path("nvembed_tiny/tokenizer.model"));
  const auto own = tokenizer_from_json(golden::content("nvembed_tiny/tokenizer.json"), "tokenizer.json");
  for (const Json& line : golden::json_lines("tokenize_mistral.jsonl")) {
    const auto text = line["text"].get<std::string>();
    CAPTURE(text);
    std::vector<TokenId> plain, special, own_special;
    std::vector<Index> ends, own_ends;
    t.encode(text, plain);
    CHECK(plain == line["ids"].get<std::vector<TokenId>>());
    t.encode(text, special, {.parse_special = true, .ends = &ends});
    CHECK(special == line[line["differs"].get<bool>() ? "ids_special" : "ids"].get<std::vector<TokenId>>());
    own.encode(text, own_special, {.parse_special = true, .ends = &own_ends});
    REQUIRE(ends.size() == own_ends.size());
    // The library gives the bytes of one character to the last of its tokens, the engine one to each.
    for (std::size_t i = 0; i < ends.size(); ++i) CHECK(ends[i] >= own_ends[i]);
  }
  CHECK(t.bos() == 1);
  CHECK(t.eos() == 2);
  CHECK(t.vocab_size() == 32000);
  CHECK(t.token(2) == "</s>");
  CHECK(t.token(32000).empty());
  CHECK(t.find("<unk>") == 0);
  CHECK(!t.find("no such piece"));
}

TEST_CASE("files that are no model are refused by name") {
  for (const char* name : {"no_such_file", "nvembed_tiny/config.json", "nvembed_tiny"}) try {
      text::SentencePiece t(golden::path(name));
      FAIL("read");
    } catch (const FileError& e) {
      CHECK(std::string(e.what()).find(name) != std::string::npos);
    }
}

TEST_CASE("invalid UTF-8 is refused") {
  const text::SentencePiece t(golden::path("nvembed_tiny/tokenizer.model"));
  std::vector<TokenId> out;
  CHECK_THROWS_AS(t.encode("a\xFF", out), InputError);
}

#endif
