#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

/// Pearson's correlation of two series; NaN where one is constant. Throws ShapeError where their sizes differ.
inline double pearson(std::span<const double> a, std::span<const double> b) {
  require<ShapeError>(a.size() == b.size(), "pearson", "series of ", a.size(), " and ", b.size(), " values");
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a, y = b[i] - mean_b;
    ab += x * y, aa += x * x, bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : std::numeric_limits<double>::quiet_NaN();
}

/// Ranks from 1; equal values share the mean of theirs.
inline std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end + 1) / 2;
  }
  return ranks;
}

/// Spearman's rank correlation: Pearson's of the ranks.
inline double spearman(std::span<const double> a, std::span<const double> b) {
  return pearson(average_ranks(a), average_ranks(b));
}

}  // namespace nvembed::eval
