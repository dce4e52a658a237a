#pragma once

#include <limits>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// The best candidates as they come, naive mining: of those mined for NQ 38.8 % answered the query, says NV-Retriever
/// (arXiv 2407.15831).
struct TopK {
  double limit(double /*positive*/) const { return std::numeric_limits<double>::infinity(); }
  Index skipped() const { return 0; }
  void check() const {}
};

}  // namespace nvembed::train
