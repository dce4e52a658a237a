#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <nvembed/core/shape.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

// Metrics of one ranked list. `gains` holds the relevance of the documents as they are ranked, best first, 0 for those
// that are not relevant; `relevant` the relevances, above 0, of all documents that are, ranked or not (trec_eval's
// definitions).

/// Normalised discounted cumulative gain of the first k: linear gains over log2(rank + 1), by the best possible order.
inline double ndcg(std::span<const double> gains, std::vector<double> relevant, Index k) {
  std::sort(relevant.begin(), relevant.end(), std::greater<>());
  const auto discounted = [&](std::span<const double> g) {
    double sum = 0;
    for (std::size_t i = 0; i < g.size() && i < static_cast<std::size_t>(k); ++i)
      sum += g[i] / std::log2(static_cast<double>(i) + 2);
    return sum;
  };
  return relevant.empty() ? 0 : discounted(gains) / discounted(relevant);
}

/// The share of relevant documents that are among the first k.
inline double recall(std::span<const double> gains, std::size_t relevant, Index k) {
  const auto first = gains.first(std::min(gains.size(), static_cast<std::size_t>(k)));
  const auto found = std::count_if(first.begin(), first.end(), [](double g) { return g > 0; });
  return relevant ? static_cast<double>(found) / static_cast<double>(relevant) : 0;
}

/// 1 / rank of the first relevant document, 0 where none is among the first k.
inline double reciprocal_rank(std::span<const double> gains, Index k) {
  for (std::size_t i = 0; i < gains.size() && i < static_cast<std::size_t>(k); ++i)
    if (gains[i] > 0) return 1 / static_cast<double>(i + 1);
  return 0;
}

/// The mean over relevant documents of the precision at each one's rank; those that are not ranked count 0.
inline double mean_precision(std::span<const double> gains, std::size_t relevant) {
  double hits = 0, sum = 0;
  for (std::size_t i = 0; i < gains.size(); ++i)
    if (gains[i] > 0) sum += ++hits / static_cast<double>(i + 1);
  return relevant ? sum / static_cast<double>(relevant) : 0;
}

}  // namespace nvembed::eval
