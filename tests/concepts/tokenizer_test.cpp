#include <doctest/doctest.h>

#include <nvembed/text/any_tokenizer.hpp>
#include <nvembed/text/bpe_tokenizer.hpp>
#if defined(NVEMBED_WITH_SENTENCEPIECE)
#include <nvembed/text/sentencepiece.hpp>
#endif

using namespace nvembed;

namespace {

/// A token a byte.
struct Bytes {
  void encode(std::string_view text, std::vector<TokenId>& out, const text::TokenizeOptions&) const {
    for (const char c : text) out.push_back(static_cast<unsigned char>(c));
  }
  Index vocab_size() const { return 256; }
  std::string token(TokenId id) const { return {static_cast<char>(id)}; }
  std::optional<TokenId> find(std::string_view piece) const { return static_cast<unsigned char>(piece[0]); }
  std::optional<TokenId> bos() const { return {}; }
  std::optional<TokenId> eos() const { return {}; }
};
struct Returns : Bytes {
  std::vector<TokenId> encode(std::string_view) const;
};
struct Changing : Bytes {
  void encode(std::string_view, std::vector<TokenId>&, const text::TokenizeOptions&);
};
struct NoFind : Bytes {
  void find() const = delete;
};
struct AlwaysEos : Bytes {
  TokenId eos() const { return 2; }
};

}  // namespace

TEST_CASE("tokenizers") {
  static_assert(Tokenizer<Bytes>);
  static_assert(Tokenizer<text::BpeTokenizer> && Tokenizer<text::AnyTokenizer>);
#if defined(NVEMBED_WITH_SENTENCEPIECE)
  static_assert(Tokenizer<text::SentencePiece>);
#endif
  static_assert(std::is_constructible_v<text::AnyTokenizer, Bytes>);
}

TEST_CASE("no tokenizers") {
  static_assert(!Tokenizer<Returns>);
  static_assert(!Tokenizer<Changing>);
  static_assert(!Tokenizer<NoFind>);
  static_assert(!Tokenizer<AlwaysEos>);
  static_assert(!Tokenizer<int>);
  static_assert(!std::is_constructible_v<text::AnyTokenizer, NoFind>);
}
