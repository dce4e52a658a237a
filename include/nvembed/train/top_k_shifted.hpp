#pragma once

#include <limits>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// The best candidates but for the first few, whatever those are.
struct TopKShifted {
  Index shift = 10;

  double limit(double /*positive*/) const { return std::numeric_limits<double>::infinity(); }
  Index skipped() const { return shift; }
  void check() const { require<InputError>(shift >= 0, "mining", "a shift of ", shift, "; it is 0 or more"); }
};

}  // namespace nvembed::train
