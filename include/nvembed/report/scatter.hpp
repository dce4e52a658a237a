#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/report/figure.hpp>
#include <string>
#include <vector>

namespace nvembed::report {

/// Points of a plane, coloured by group; a point's name shows when the pointer rests on it. Groups beyond the eight
/// that come first share one colour.
struct Scatter {
  struct Point {
    double x = 0, y = 0;
    std::size_t group = 0;
    std::string name;
  };
  std::string title, caption;
  std::vector<std::string> groups;
  std::vector<Point> points;
};

NVEMBED_INLINE std::string html(const Scatter& scatter);

}  // namespace nvembed::report

#if !defined(NVEMBED_COMPILED)
#include <nvembed/report/scatter.inl>
#endif
