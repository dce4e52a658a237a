#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <string>
#include <string_view>
#include <vector>

/// Characters and normalisation; tables by utf8proc.
namespace nvembed::text {

/// The first byte that is no UTF-8 (overlong forms, surrogates and code points above U+10FFFF are none either); npos
/// where all is well.
NVEMBED_INLINE std::size_t find_invalid_utf8(std::string_view text);
/// Throws InputError naming that byte.
NVEMBED_INLINE void require_utf8(std::string_view text);

/// Bytes of the UTF-8 sequence that `lead` begins.
inline std::size_t sequence_length(char lead) {
  const auto b = static_cast<unsigned char>(lead);
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

/// The code point at `at` of valid UTF-8; moves `at` behind it.
inline char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = byte(at);
  const std::size_t size = sequence_length(text[at]);
  char32_t c = size == 1 ? lead : lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) c = (c << 6) | (byte(at + i) & 0x3Fu);
  at += size;
  return c;
}

NVEMBED_INLINE bool is_letter(char32_t c);  ///< \p{L}
NVEMBED_INLINE bool is_number(char32_t c);  ///< \p{N}
/// \w of the `regex` crate (UTS 18): alphabetic characters, marks, decimal digits, connectors, joiners.
NVEMBED_INLINE bool is_word(char32_t c);
/// \s: the White_Space property.
inline bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
         c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// Valid UTF-8 with each character's simple lower-case mapping in its place.
NVEMBED_INLINE std::string lower_case(std::string_view text);

/// Normalisation form C of valid UTF-8. `ends`, where wanted, gives for each byte of the result one past the bytes of
/// `text` that it comes from.
NVEMBED_INLINE std::string nfc(std::string_view text, std::vector<Index>* ends = nullptr);
/// False only where `nfc` changes nothing, found without normalising.
NVEMBED_INLINE bool may_change_in_nfc(std::string_view text);

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/unicode.inl>
#endif
