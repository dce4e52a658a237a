#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/score.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::eval {

/// A figure and half of its 95 % interval.
struct Estimate {
  double value = 0, ci95 = 0;
};

/// How much better model `a` is than model `b` on a task, both scored on the same data with the same seed: the interval
/// is of the difference on each resampling, so that what is hard for both does not widen it. Throws InputError where
/// the scores are of different data.
inline Estimate difference(const Score& a, const Score& b) {
  require<InputError>(a.n == b.n && a.replicates.size() == b.replicates.size(), "eval", "scores of ", a.n, " and of ",
                      b.n, " items in ", a.replicates.size(), " and ", b.replicates.size(),
                      " samples cannot be compared");
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.replicates.size(); ++i) differences.push_back(a.replicates[i] - b.replicates[i]);
  return {a.value - b.value, half_width(differences)};
}

/// The mean of independent figures.
inline Estimate mean(std::span<const Estimate> figures) {
  Estimate m;
  const double n = static_cast<double>(figures.size());
  for (const Estimate& f : figures) {
    m.value += f.value / n;
    m.ci95 += f.ci95 * f.ci95;
  }
  m.ci95 = std::sqrt(m.ci95) / n;
  return m;
}

/// Means of tasks' figures by category, in the order in which these first appear, and the mean of those.
struct Means {
  std::vector<std::pair<std::string, Estimate>> categories;
  Estimate overall;
};

inline Means means(std::span<const std::pair<std::string, Estimate>> tasks) {
  Means m;
  std::vector<Estimate> of_categories;
  for (const auto& task : tasks) {
    const std::string& category = task.first;
    if (std::any_of(m.categories.begin(), m.categories.end(), [&](const auto& c) { return c.first == category; }))
      continue;
    std::vector<Estimate> figures;
    for (const auto& [name, figure] : tasks)
      if (name == category) figures.push_back(figure);
    of_categories.push_back(mean(figures));
    m.categories.emplace_back(category, of_categories.back());
  }
  if (!of_categories.empty()) m.overall = mean(of_categories);
  return m;
}

}  // namespace nvembed::eval
