#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>
#include <string>

namespace nvembed::eval {

/// Whether texts of a label lie together: V-measure of mini-batch k-means with as many clusters as labels, mean over
/// ten samples with replacement of min(n, 16384) texts. Extra: "whole", one clustering of all texts (MTEB at the time
/// of the NV-Embed paper). The replicates are the ten samples: the interval holds the chance of k-means too.
class Clustering {
 public:
  static constexpr Index fewest_texts = 10;

  /// Throws ShapeError where the numbers differ; InputError for fewer than ten texts, fewer than two labels, or less
  /// than two texts a label on the average.
  NVEMBED_INLINE Clustering(TaskInfo info, TaskTexts texts, std::span<const std::string> labels);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return {&texts_, 1}; }
  std::span<const Index> labels() const { return labels_; }
  /// Of each label's number.
  std::span<const std::string> label_names() const { return names_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;
  /// Stratified by label.
  NVEMBED_INLINE Clustering sampled(double fraction, std::uint64_t seed) const;

 private:
  Clustering() = default;

  TaskInfo info_;
  TaskTexts texts_;
  std::vector<Index> labels_;
  std::vector<std::string> names_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/clustering.inl>
#endif
