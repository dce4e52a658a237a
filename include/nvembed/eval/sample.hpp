#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <nvembed/eval/random.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

/// Fewest records that a sample of a task keeps: below, its score says nothing.
inline constexpr Index smallest_sample = 100;

/// Row numbers, ascending, of about `fraction` of each stratum (rows of equal `strata`): of a stratum at least one, of
/// all at least `smallest_sample` or what there is.
inline std::vector<Index> stratified_sample(std::span<const Index> strata, double fraction, std::uint64_t seed) {
  const double all = static_cast<double>(strata.size());
  const double share = std::min(1.0, std::max(fraction, static_cast<double>(smallest_sample) / std::max(all, 1.0)));
  std::map<Index, std::vector<Index>> groups;
  for (std::size_t i = 0; i < strata.size(); ++i) groups[strata[i]].push_back(static_cast<Index>(i));
  Random random(seed);
  std::vector<Index> chosen;
  for (auto& [stratum, rows] : groups) {
    random.shuffle(rows);
    const double wanted = std::max(1.0, std::round(share * static_cast<double>(rows.size())));
    chosen.insert(chosen.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(wanted));
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// The entries of these rows.
template <class T>
std::vector<T> pick(const std::vector<T>& values, std::span<const Index> rows) {
  std::vector<T> chosen;
  for (const Index i : rows) chosen.push_back(values[static_cast<std::size_t>(i)]);
  return chosen;
}

}  // namespace nvembed::eval
