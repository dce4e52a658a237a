#pragma once

#include <cstdint>
#include <string_view>

#include <nvembed/core/config.hpp>
#include <nvembed/text/unicode.hpp>

namespace nvembed::text {

/// How byte-level models cut text into words before merging.
enum class Split : std::uint8_t {
  none,    ///< one word
  gpt2,    ///< 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
  llama3,  ///< (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
  qwen2,   ///< the same with \p{N} for \p{N}{1,3}
};

/// Bytes of the word that begins at `at` < text.size() (valid UTF-8): what the expression matches there. Every byte
/// belongs to a word.
NVEMBED_INLINE std::size_t word_length(Split split, std::string_view text, std::size_t at);

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/split.inl>
#endif
