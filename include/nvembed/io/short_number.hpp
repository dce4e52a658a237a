#pragma once

#include <cstdio>
#include <string>

namespace nvembed {

/// A number as people write it, for messages: 5, 0.02, 1e-07.
inline std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", x);
  return text;
}

}  // namespace nvembed
