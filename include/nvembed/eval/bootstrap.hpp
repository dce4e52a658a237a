#pragma once

#include <cmath>
#include <nvembed/eval/random.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

inline constexpr int bootstrap_rounds = 1000;

/// `statistic(items)` of `rounds` samples of n items, drawn with replacement. Which items a round draws depends on n
/// and the seed alone, so that two models' rounds can be compared one by one.
template <class F>
std::vector<double> bootstrap(Index n, F&& statistic, std::uint64_t seed, int rounds = bootstrap_rounds) {
  std::vector<double> values;
  std::vector<Index> items(static_cast<std::size_t>(n));
  Random random(seed);
  for (int round = 0; round < rounds; ++round) {
    for (Index& i : items) i = random.below(n);
    values.push_back(statistic(std::span<const Index>(items)));
  }
  return values;
}

/// Half of a 95 % interval: 1.96 standard deviations of the replicates. Those that are NaN are left out.
inline double half_width(std::span<const double> replicates) {
  double n = 0, mean = 0, squares = 0;  // Welford's
  for (const double x : replicates)
    if (!std::isnan(x)) {
      const double d = x - mean;
      mean += d / ++n;
      squares += d * (x - mean);
    }
  return n > 0 ? 1.96 * std::sqrt(squares / n) : 0;
}

}  // namespace nvembed::eval
