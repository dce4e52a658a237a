#pragma once

#include <map>
#include <nvembed/core/shape.hpp>
#include <nvembed/eval/bootstrap.hpp>
#include <span>
#include <string>
#include <vector>

namespace nvembed::eval {

/// What a task says of a model; scores are in percent.
struct Score {
  double value = 0;                      ///< the task's main measure
  std::map<std::string, double> extras;  ///< others by name, such as "recall100"
  Index n = 0;                           ///< pairs, queries or texts that were scored
  /// The main measure on resampled data. Those of two models on one task can be compared one by one.
  std::vector<double> replicates;

  /// Half of a 95 % interval.
  double ci95() const { return half_width(replicates); }
};

/// The mean of a measure over queries (in [0, 1] each), which are resampled.
inline Score mean_score(std::span<const double> values, std::uint64_t seed) {
  const auto mean = [&](auto&& at, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += values[at(i)];
    return 100 * sum / static_cast<double>(n);
  };
  Score s;
  s.n = static_cast<Index>(values.size());
  s.value = mean([](std::size_t i) { return i; }, values.size());
  s.replicates = bootstrap(
      s.n,
      [&](std::span<const Index> items) {
        return mean([&](std::size_t i) { return static_cast<std::size_t>(items[i]); }, items.size());
      },
      seed);
  return s;
}

}  // namespace nvembed::eval
