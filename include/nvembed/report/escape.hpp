#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace nvembed::report {

/// Text (UTF-8) as it may stand in HTML, in an attribute too. Control characters are left out.
inline std::string escape(std::string_view text) {
  std::string s;
  for (const char c : text) {
    switch (c) {
      case '&':
        s += "&amp;";
        break;
      case '<':
        s += "&lt;";
        break;
      case '>':
        s += "&gt;";
        break;
      case '"':
        s += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n') s += c;
    }
  }
  return s;
}

/// At most `most` bytes of a text (UTF-8), cut between characters, with an ellipsis where something was cut.
inline std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\xE2\x80\xA6";
}

/// A number with so many digits behind the point.
inline std::string fixed(double x, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, x);
  return buffer;
}

}  // namespace nvembed::report
