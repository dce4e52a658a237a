#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>
#include <string>

namespace nvembed::eval {

/// What frozen vectors tell about labels: mean accuracy on the test texts of ten logistic regressions, each fitted to a
/// few examples a label (as MTEB). Extras: "f1" (macro, mean over the draws), "deviation" (of the accuracies).
class Classification {
 public:
  static constexpr int default_draws = 10;

  /// Draws the examples: `per_label` of each label, or all it has. Only training texts that are drawn are kept. Throws
  /// ShapeError where the numbers do not fit; InputError for no test texts or fewer than two labels to learn.
  NVEMBED_INLINE Classification(TaskInfo info, const TaskTexts& train, std::span<const std::string> train_labels,
                                TaskTexts test, std::span<const std::string> test_labels, Index per_label,
                                std::uint64_t seed, int draws = default_draws);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return texts_; }
  /// Numbers of the labels that are learnt come first.
  std::span<const Index> train_labels() const { return train_labels_; }
  std::span<const Index> test_labels() const { return test_labels_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;
  /// Fewer draws, but three at least, and fewer test texts, stratified by label.
  NVEMBED_INLINE Classification sampled(double fraction, std::uint64_t seed) const;

 private:
  Classification() = default;
  /// Leaves out training texts that no draw has.
  NVEMBED_INLINE void keep_drawn(const TaskTexts& train, std::span<const Index> labels);

  TaskInfo info_;
  std::vector<TaskTexts> texts_;
  Index classes_ = 0;  ///< that are learnt
  std::vector<Index> train_labels_, test_labels_;
  std::vector<std::vector<Index>> draws_;  ///< rows of the training texts
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/classification.inl>
#endif
