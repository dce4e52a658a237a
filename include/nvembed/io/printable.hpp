#pragma once

#include <string>
#include <string_view>

namespace nvembed {

/// Text of a file as an error message may show it: printable ASCII, anything else as `?`, at most `most` bytes.
inline std::string printable(std::string_view text, std::size_t most = 100) {
  std::string s(text.substr(0, most));
  for (char& c : s)
    if (c < 0x20 || c > 0x7E) c = '?';
  if (text.size() > most) s += "...";
  return s;
}

}  // namespace nvembed
