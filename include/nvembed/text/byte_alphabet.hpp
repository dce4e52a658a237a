#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace nvembed::text {

/// GPT-2's visible spelling of a byte (UTF-8): itself where it prints in Latin-1, else one of U+0100 to U+0143, in
/// order.
inline std::string byte_letter(unsigned char byte) {
  const auto prints = [](unsigned b) { return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD); };
  unsigned c = byte;
  if (!prints(byte)) {
    c = 0x100;
    for (unsigned b = 0; b < byte; ++b) c += !prints(b);
  }
  if (c < 0x80) return {static_cast<char>(c)};
  return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
}

/// The bytes that a byte-level piece stands for; nothing where it has a character outside the alphabet, so that text
/// never becomes this piece.
inline std::optional<std::string> spelled_bytes(std::string_view piece) {
  static const std::array<short, 0x144> byte_of = [] {  // by code point; -1: none
    std::array<short, 0x144> table;
    table.fill(-1);
    for (unsigned b = 0; b < 256; ++b) {
      const std::string s = byte_letter(static_cast<unsigned char>(b));
      const auto u = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(s[i])); };
      table[s.size() == 1 ? u(0) : (u(0) & 31) << 6 | (u(1) & 63)] = static_cast<short>(b);
    }
    return table;
  }();
  std::string bytes;
  bytes.reserve(piece.size());
  for (std::size_t i = 0; i < piece.size(); ++i) {
    unsigned c = static_cast<unsigned char>(piece[i]);
    if (c >= 0xC2 && c < 0xE0 && i + 1 < piece.size() && (static_cast<unsigned char>(piece[i + 1]) & 0xC0) == 0x80)
      c = (c & 31) << 6 | (static_cast<unsigned char>(piece[++i]) & 63);
    else if (c >= 0x80)
      return std::nullopt;
    if (c >= byte_of.size() || byte_of[c] < 0) return std::nullopt;
    bytes += static_cast<char>(static_cast<unsigned char>(byte_of[c]));
  }
  return bytes;
}

}  // namespace nvembed::text
