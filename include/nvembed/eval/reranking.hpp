#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>

namespace nvembed::eval {

/// Right before wrong candidates: mean average precision over queries. Scores are compared as 32-bit floats; a wrong
/// candidate wins a tie.
class Reranking {
 public:
  /// One query's candidates among all passages: [begin, begin + right) are right, [begin + right, end) wrong.
  struct Candidates {
    Index begin = 0, right = 0, end = 0;
  };

  /// Throws ShapeError where the numbers do not fit; InputError for a query without a right candidate.
  NVEMBED_INLINE Reranking(TaskInfo info, TaskTexts queries, TaskTexts passages, std::vector<Candidates> candidates);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return texts_; }
  std::span<const Candidates> candidates() const { return candidates_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;
  NVEMBED_INLINE Reranking sampled(double fraction, std::uint64_t seed) const;

 private:
  TaskInfo info_;
  std::vector<TaskTexts> texts_;
  std::vector<Candidates> candidates_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/reranking.inl>
#endif
