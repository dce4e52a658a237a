#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/report/figure.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::report {

/// Lines over one axis: what a quantity was like while something went on. Values that are not finite leave a gap.
struct Curves {
  struct Line {
    std::string name;
    std::vector<std::pair<double, double>> points;  ///< x ascending
    bool marked = false;                            ///< every point is drawn: there are few
    bool faint = false;                             ///< stands behind the others: raw values of a smooth line
  };
  std::string title, caption, x_name;
  std::vector<Line> lines;
  std::vector<double> bounds;  ///< x of vertical lines: where one part ends and the next begins
};

NVEMBED_INLINE std::string html(const Curves& curves);

}  // namespace nvembed::report

#if !defined(NVEMBED_COMPILED)
#include <nvembed/report/curves.inl>
#endif
