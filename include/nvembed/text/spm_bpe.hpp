#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nvembed/core/config.hpp>
#include <nvembed/text/bpe.hpp>
#include <nvembed/text/special_tokens.hpp>
#include <nvembed/text/tokenizer.hpp>

namespace nvembed::text {

/// What a SentencePiece-style tokenizer is made of.
struct SpmSpec {
  /// Which stretches between added tokens get a "▁" in front: none; every one; the first of the text; `first` and
  /// `unless_there` leave it out where the stretch begins with a space or "▁" already.
  enum class Prefix : std::uint8_t { never, always, always_unless_there, first_unless_there };

  BpeSpec bpe;  ///< pieces as in the file, spaces written "▁"
  Prefix prefix = Prefix::always;
  bool split = false;          ///< words are merged each on their own, a word beginning at each "▁"
  bool byte_fallback = true;   ///< an unknown character becomes its bytes, "<0xNN>"
  bool fuse_unk = true;        ///< neighbouring unknown characters are one unknown token
  std::optional<TokenId> unk, bos, eos;
  std::vector<AddedToken> added;
};

/// The Llama and Mistral family: spaces become "▁", characters are merged by BPE, unknown ones fall back to bytes.
class SpmBpe {
 public:
  NVEMBED_INLINE explicit SpmBpe(SpmSpec spec);

  NVEMBED_INLINE void encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options = {}) const;
  Index vocab_size() const { return vocab_size_; }
  NVEMBED_INLINE std::string token(TokenId id) const;
  NVEMBED_INLINE std::optional<TokenId> find(std::string_view piece) const;
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }

 private:
  class Run;  // one call

  Bpe bpe_;
  SpmSpec::Prefix prefix_;
  bool split_, split_free_, fuse_unk_;
  std::optional<TokenId> space_, unk_, bos_, eos_;
  std::array<TokenId, 128> ascii_{};     // ids of one-byte characters, -1 where there is none
  std::array<TokenId, 256> byte_ids_{};  // ids of <0xNN>
  bool byte_fallback_;
  SpecialTokens added_;
  Index vocab_size_ = 0;
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/spm_bpe.inl>
#endif
