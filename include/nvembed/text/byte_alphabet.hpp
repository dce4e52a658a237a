#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <nvembed/text/unicode.hpp>

namespace nvembed::text {

/// GPT-2 writes bytes as printable characters: bytes that are printable in Latin-1 stand for themselves, the other 68 for
/// U+0100 onwards, in order.
inline const std::array<char32_t, 256>& byte_alphabet() {
  static const std::array<char32_t, 256> table = [] {
    std::array<char32_t, 256> t{};
    char32_t next = 0x100;
    for (char32_t b = 0; b < 256; ++b) t[b] = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE ? b : next++;
    return t;
  }();
  return table;
}

/// Bytes as they are written in vocabulary files.
inline std::string to_alphabet(std::string_view bytes) {
  std::string s;
  for (const char b : bytes) {
    const char32_t c = byte_alphabet()[static_cast<unsigned char>(b)];
    if (c < 0x80) {
      s += static_cast<char>(c);
    } else {  // at most U+0143: two bytes
      s += static_cast<char>(0xC0 | (c >> 6));
      s += static_cast<char>(0x80 | (c & 0x3F));
    }
  }
  return s;
}

/// The bytes behind a piece of a vocabulary file (valid UTF-8); nothing where a character stands for no byte.
inline std::optional<std::string> from_alphabet(std::string_view piece) {
  static const std::array<short, 0x144> bytes = [] {
    std::array<short, 0x144> t{};
    t.fill(-1);
    for (std::size_t b = 0; b < 256; ++b) t[byte_alphabet()[b]] = static_cast<short>(b);
    return t;
  }();
  std::string s;
  for (std::size_t at = 0; at < piece.size();) {
    const char32_t c = next_code_point(piece, at);
    if (c >= bytes.size() || bytes[c] < 0) return std::nullopt;
    s += static_cast<char>(bytes[c]);
  }
  return s;
}

}  // namespace nvembed::text
