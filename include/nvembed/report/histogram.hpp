#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/report/figure.hpp>
#include <span>
#include <string>
#include <vector>

namespace nvembed::report {

/// How values of a few groups are spread: one curve of shares a group, over the same bins.
struct Histogram {
  struct Group {
    std::string name;
    std::vector<double> values;
  };
  std::string title, caption;
  std::vector<Group> groups;
  int bins = 40;
};

NVEMBED_INLINE std::string html(const Histogram& histogram);

}  // namespace nvembed::report

#if !defined(NVEMBED_COMPILED)
#include <nvembed/report/histogram.inl>
#endif
