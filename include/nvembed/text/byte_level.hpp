#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nvembed/core/config.hpp>
#include <nvembed/text/bpe.hpp>
#include <nvembed/text/special_tokens.hpp>
#include <nvembed/text/split.hpp>
#include <nvembed/text/tokenizer.hpp>

namespace nvembed::text {

/// What a byte-level tokenizer is made of.
struct ByteLevelSpec {
  BpeSpec bpe;  ///< pieces as raw bytes
  Split split = Split::gpt2;
  bool digits = false;            ///< every number character is cut off on its own first (SmolLM2)
  bool nfc = false;               ///< the text is normalised first (Qwen2)
  bool add_prefix_space = false;  ///< a text that does not begin with a space gets one
  std::vector<AddedToken> added;
  std::optional<TokenId> bos, eos;
};

/// The GPT-2 family: text to words, words to bytes, bytes to tokens by BPE. Bytes without a token are dropped, as the
/// reference implementations do.
class ByteLevel {
 public:
  NVEMBED_INLINE explicit ByteLevel(ByteLevelSpec spec);

  NVEMBED_INLINE void encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options = {}) const;
  Index vocab_size() const { return vocab_size_; }
  NVEMBED_INLINE std::string token(TokenId id) const;
  NVEMBED_INLINE std::optional<TokenId> find(std::string_view piece) const;
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }

 private:
  class Run;  // one call

  Bpe bpe_;
  std::array<TokenId, 256> byte_ids_{};
  Split split_;
  bool digits_, nfc_, add_prefix_space_;
  SpecialTokens raw_, normalized_;
  Index vocab_size_ = 0;
  std::optional<TokenId> bos_, eos_;
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/byte_level.inl>
#endif
