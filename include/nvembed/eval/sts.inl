#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/eval/correlation.hpp>
#include <nvembed/eval/pair_cosines.hpp>
#include <nvembed/eval/sample.hpp>
#include <nvembed/eval/sts.hpp>

namespace nvembed::eval {

NVEMBED_INLINE Sts::Sts(TaskInfo info, TaskTexts first, TaskTexts second, std::vector<double> grades)
    : info_(std::move(info)), texts_{std::move(first), std::move(second)}, grades_(std::move(grades)) {
  require<ShapeError>(texts_[0].texts.size() == grades_.size() && texts_[1].texts.size() == grades_.size(), "sts",
                      texts_[0].size(), " and ", texts_[1].size(), " texts, ", grades_.size(), " grades");
}

NVEMBED_INLINE Score Sts::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  const std::vector<double> cosines = pair_cosines(vectors[0], vectors[1]);
  Score s;
  s.n = static_cast<Index>(grades_.size());
  s.value = 100 * spearman(cosines, grades_);
  s.extras["pearson"] = 100 * pearson(cosines, grades_);
  s.replicates = bootstrap(
      s.n, [&](std::span<const Index> items) { return 100 * spearman(pick(cosines, items), pick(grades_, items)); },
      scoring.seed);
  return s;
}

NVEMBED_INLINE Sts Sts::sampled(double fraction, std::uint64_t seed) const {
  std::vector<Index> strata;
  const double n = static_cast<double>(grades_.size());
  for (const double rank : average_ranks(grades_)) strata.push_back(static_cast<Index>(5 * (rank - 1) / n));
  const std::vector<Index> rows = stratified_sample(strata, fraction, seed);
  return {info_, texts_[0].subset(rows), texts_[1].subset(rows), pick(grades_, rows)};
}

}  // namespace nvembed::eval
