#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>

namespace nvembed::eval {

/// Which pairs of texts belong together: average precision of their cosines. Extra: "positive_rate", which is what
/// constant cosines would get.
class PairClassification {
 public:
  /// Pairs of texts, a label each, 1 where they belong together. Throws ShapeError where the numbers differ.
  NVEMBED_INLINE PairClassification(TaskInfo info, TaskTexts first, TaskTexts second, std::vector<std::uint8_t> labels);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return texts_; }
  std::span<const std::uint8_t> labels() const { return labels_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;
  /// Stratified by label.
  NVEMBED_INLINE PairClassification sampled(double fraction, std::uint64_t seed) const;

 private:
  TaskInfo info_;
  std::vector<TaskTexts> texts_;
  std::vector<std::uint8_t> labels_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/pair_classification.inl>
#endif
