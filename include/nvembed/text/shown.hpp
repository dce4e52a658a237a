#pragma once

#include <string>
#include <string_view>

namespace nvembed::text::detail {

/// Text as it may stand in a one-line message: no control characters, at most 60 bytes, cut between characters.
inline std::string shown(std::string_view text) {
  std::string s(text.substr(0, 60));
  if (text.size() > s.size()) {
    while (!s.empty() && (static_cast<unsigned char>(text[s.size()]) & 0xC0) == 0x80) s.pop_back();
    s += "...";
  }
  for (char& c : s)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return s;
}

}  // namespace nvembed::text::detail
