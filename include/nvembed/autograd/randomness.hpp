#pragma once

#include <cstdint>
#include <memory>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/dropout.hpp>
#include <vector>

namespace nvembed {

/// What random draws of one pass depend on, beside the layer that draws: a pass without row keys drops nothing. The
/// rows of a pass have keys of their own (`row_keys`), so chunking, recomputation, a second pass and threads cannot
/// change a draw.
struct Randomness {
  CounterRng rng{};  ///< keyed by seed and step
  std::shared_ptr<const std::vector<std::uint64_t>> rows{};

  explicit operator bool() const { return static_cast<bool>(rows); }
  /// For the layer that is known by `stream`.
  Dropout dropout(std::uint64_t stream, double p) const { return {rng.at(stream), rows, p}; }
};

}  // namespace nvembed
