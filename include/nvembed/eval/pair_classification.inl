#pragma once

#include <algorithm>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/average_precision.hpp>
#include <nvembed/eval/pair_classification.hpp>
#include <nvembed/eval/pair_cosines.hpp>
#include <nvembed/eval/sample.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE PairClassification::PairClassification(TaskInfo info, TaskTexts first, TaskTexts second,
                                                      std::vector<std::uint8_t> labels)
    : info_(std::move(info)), texts_{std::move(first), std::move(second)}, labels_(std::move(labels)) {
  require<ShapeError>(texts_[0].texts.size() == labels_.size() && texts_[1].texts.size() == labels_.size(),
                      "pair_classification", texts_[0].size(), " and ", texts_[1].size(), " texts, ", labels_.size(),
                      " labels");
}

NVEMBED_INLINE Score PairClassification::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  const std::vector<double> cosines = pair_cosines(vectors[0], vectors[1]);
  Score s;
  s.n = static_cast<Index>(labels_.size());
  s.value = 100 * average_precision(cosines, labels_);
  s.extras["positive_rate"] =
      100 * static_cast<double>(std::count(labels_.begin(), labels_.end(), 1)) / static_cast<double>(s.n);
  s.replicates = bootstrap(
      s.n,
      [&](std::span<const Index> items) { return 100 * average_precision(pick(cosines, items), pick(labels_, items)); },
      scoring.seed);
  return s;
}

NVEMBED_INLINE PairClassification PairClassification::sampled(double fraction, std::uint64_t seed) const {
  const std::vector<Index> strata(labels_.begin(), labels_.end());
  const std::vector<Index> rows = stratified_sample(strata, fraction, seed);
  return {info_, texts_[0].subset(rows), texts_[1].subset(rows), pick(labels_, rows)};
}

}  // namespace nvembed::eval
