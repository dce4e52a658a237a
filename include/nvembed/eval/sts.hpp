#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>
#include <utility>

namespace nvembed::eval {

/// Semantic textual similarity: Spearman's correlation of cosines and people's grades. Extra: "pearson".
class Sts {
 public:
  /// Pairs of texts, a grade each. Throws ShapeError where the numbers differ.
  NVEMBED_INLINE Sts(TaskInfo info, TaskTexts first, TaskTexts second, std::vector<double> grades);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return texts_; }
  std::span<const double> grades() const { return grades_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;
  /// Stratified by fifths of the grades.
  NVEMBED_INLINE Sts sampled(double fraction, std::uint64_t seed) const;

 private:
  TaskInfo info_;
  std::vector<TaskTexts> texts_;
  std::vector<double> grades_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/sts.inl>
#endif
