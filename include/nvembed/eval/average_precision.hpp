#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

/// Average precision of scores for binary labels: the sum over thresholds of precision times the recall gained there;
/// equal scores share a threshold (scikit-learn's definition). NaN where no label is positive. Throws ShapeError where
/// the sizes differ.
inline double average_precision(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  require<ShapeError>(scores.size() == positive.size(), "average_precision", scores.size(), " scores and ",
                      positive.size(), " labels");
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return scores[i] > scores[j]; });
  double hits = 0, sum = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double gained = 0;
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) gained += positive[order[end++]] ? 1 : 0;
    hits += gained;
    sum += gained * hits / static_cast<double>(end);
  }
  return hits > 0 ? sum / hits : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace nvembed::eval
