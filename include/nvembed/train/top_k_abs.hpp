#pragma once

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// The best candidates that score less than a fixed number.
struct TopKAbs {
  double threshold = 0.7;

  double limit(double /*positive*/) const { return threshold; }
  Index skipped() const { return 0; }
  void check() const { require<InputError>(std::isfinite(threshold), "mining", "the threshold is not finite"); }
};

}  // namespace nvembed::train
