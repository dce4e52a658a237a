#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/report/figure.hpp>
#include <string>
#include <vector>

namespace nvembed::report {

/// A matrix as shades, one row a name. A cell's value shows when the pointer rests on it.
struct HeatMap {
  std::string title, caption;
  std::vector<std::string> rows, columns;
  std::vector<double> values;  ///< (rows, columns), not negative
};

NVEMBED_INLINE std::string html(const HeatMap& map);

}  // namespace nvembed::report

#if !defined(NVEMBED_COMPILED)
#include <nvembed/report/heat_map.inl>
#endif
