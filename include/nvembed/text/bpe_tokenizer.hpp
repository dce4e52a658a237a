#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/text/tokenizer.hpp>
#include <nvembed/text/tokenizer_spec.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nvembed::text {

/// A BPE tokenizer with its two front ends, byte-level and sentencepiece-like; agrees with Hugging Face `tokenizers` on
/// tokenizer.json files. Order of work: added tokens are found in the raw text, the stretches between them normalised,
/// added tokens with the flag `normalized` found in those, the rest cut into words, each word merged.
/// Immutable, safe to share. A text is worked on in windows of some 32 KiB, so that memory stays small and a limit
/// saves the work behind it, where the rules of the tokenizer allow to cut between a letter and a space.
class BpeTokenizer {
 public:
  /// Throws InputError for models that contradict themselves (see Bpe) and added tokens with ids that are negative or
  /// far beyond the vocabulary.
  NVEMBED_INLINE explicit BpeTokenizer(const TokenizerSpec& spec);

  NVEMBED_INLINE void encode(std::string_view text, std::vector<TokenId>& out,
                             const TokenizeOptions& options = {}) const;
  Index vocab_size() const { return vocab_size_; }
  NVEMBED_INLINE std::string token(TokenId id) const;
  NVEMBED_INLINE std::optional<TokenId> find(std::string_view token) const;
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }

 private:
  struct Run;

  Bpe bpe_;
  std::vector<NormalizerStep> normalizer_;
  std::optional<Metaspace> metaspace_;
  std::vector<Cut> cuts_;
  SpecialTokens raw_added_, normalized_added_;
  std::unordered_map<TokenId, std::string> added_text_;
  std::unordered_map<std::string, TokenId> added_id_;
  std::optional<TokenId> bos_, eos_;
  Index vocab_size_ = 0;
  bool cut_at_spaces_ = false;  // nothing is merged across the beginning of a run of visible spaces
  bool windows_ = false;        // a text may be cut between an ASCII letter and a space
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/bpe_tokenizer.inl>
#endif
