#pragma once

#include <algorithm>
#include <map>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/clustering.hpp>
#include <nvembed/eval/mini_batch_k_means.hpp>
#include <nvembed/eval/sample.hpp>
#include <nvembed/eval/v_measure.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Clustering::Clustering(TaskInfo info, TaskTexts texts, std::span<const std::string> labels)
    : info_(std::move(info)), texts_(std::move(texts)) {
  require<ShapeError>(texts_.texts.size() == labels.size(), "clustering", texts_.size(), " texts, ", labels.size(),
                      " labels");
  std::map<std::string_view, Index> numbers;
  for (const std::string& label : labels) {
    const auto [at, fresh] = numbers.try_emplace(label, static_cast<Index>(names_.size()));
    if (fresh) names_.push_back(label);
    labels_.push_back(at->second);
  }
  const Index k = static_cast<Index>(names_.size());
  require<InputError>(k >= 2, "clustering", texts_.file, ": ", k, k == 1 ? " label" : " labels",
                      ", at least two are needed");
  require<InputError>(texts_.size() >= std::max(fewest_texts, 2 * k), "clustering", texts_.file, ": ", texts_.size(),
                      " texts of ", k, " labels; at least ", std::max(fewest_texts, 2 * k), " texts are needed");
}

NVEMBED_INLINE Score Clustering::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  constexpr Index samples = 10, largest_sample = 16384, batch = 512, whole_batch = 500;
  const HostMatrix x = vectors[0];
  const Index n = texts_.size(), k = static_cast<Index>(names_.size());
  Score s;
  s.n = n;
  Random random(scoring.seed);
  std::vector<Index> rows(static_cast<std::size_t>(std::min(n, largest_sample)));
  for (Index i = 0; i < samples; ++i) {
    for (Index& row : rows) row = random.below(n);
    const std::vector<float> sample = gather(x, rows);
    Random starts(scoring.seed + 1 + static_cast<std::uint64_t>(i));
    const auto clusters =
        mini_batch_k_means({sample.data(), static_cast<Index>(rows.size()), x.cols}, k, batch, starts, scoring.dots);
    s.replicates.push_back(100 * v_measure(pick(labels_, rows), clusters));
    s.value += s.replicates.back() / static_cast<double>(samples);
  }
  Random starts(scoring.seed);
  s.extras["whole"] = 100 * v_measure(labels_, mini_batch_k_means(x, k, whole_batch, starts, scoring.dots));
  return s;
}

NVEMBED_INLINE Clustering Clustering::sampled(double fraction, std::uint64_t seed) const {
  // Few texts a label say little of clusters, so more of a task with many labels is kept.
  const double n = static_cast<double>(labels_.size()), k = static_cast<double>(names_.size());
  const std::vector<Index> rows = stratified_sample(labels_, std::max(fraction, std::min(1.0, 20 * k / n)), seed);
  Clustering smaller;
  smaller.info_ = info_;
  smaller.texts_ = texts_.subset(rows);
  smaller.labels_ = pick(labels_, rows);
  smaller.names_ = names_;
  return smaller;
}

}  // namespace nvembed::eval
