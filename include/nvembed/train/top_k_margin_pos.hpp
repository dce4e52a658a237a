#pragma once

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// The best candidates that score less than the positive by more than a margin.
struct TopKMarginPos {
  double margin = 0.05;

  double limit(double positive) const { return positive - margin; }
  Index skipped() const { return 0; }
  void check() const {
    require<InputError>(std::isfinite(margin) && margin >= 0, "mining", "a margin of ", margin, "; it is 0 or more");
  }
};

}  // namespace nvembed::train
