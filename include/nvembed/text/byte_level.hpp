#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/text/unicode.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::text {

/// One way to cut text into pieces before merging; a pre-tokenizer is a list of them, each cutting the pieces of the
/// one before.
enum class Cut : std::uint8_t {
  digits,      ///< every character of \p{N} on its own
  digit_runs,  ///< runs of \p{N}
  gpt2,        ///< 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  llama3,      ///< (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  qwen2,       ///< the same with \p{N} for \p{N}{1,3}
  leading_space,  ///< cuts nothing: puts a space before a piece that begins with none
};

/// Bytes of the piece that begins at `at` < text.size() (valid UTF-8). Every byte belongs to a piece.
NVEMBED_INLINE std::size_t cut_length(Cut cut, std::string_view text, std::size_t at);

/// The cut that a regular expression of a `Split` in tokenizer.json means; nothing for one that is not known.
NVEMBED_INLINE std::optional<Cut> cut_of_regex(std::string_view regex);

/// The regular expression of a `Split` that means this cut, one of gpt2, llama3 and qwen2; empty for the others.
NVEMBED_INLINE std::string regex_of(Cut cut);

/// What GGUF's `tokenizer.ggml.pre` stands for.
struct NamedPreTokenizer {
  std::string_view name;
  std::vector<Cut> cuts;
  bool nfc = false, ignore_merges = false, add_bos = false;
};
/// All that are known, in the order in which messages list them.
NVEMBED_INLINE const std::vector<NamedPreTokenizer>& named_pre_tokenizers();

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/byte_level.inl>
#endif
