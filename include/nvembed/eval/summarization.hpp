#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>

namespace nvembed::eval {

/// Whether machines' summaries that people like lie near people's summaries: for each article Spearman's correlation of
/// the grades with the summaries' highest cosine to one of the people's, mean over articles (as MTEB's SummEval).
/// Articles whose grades or cosines are all equal are left out. Extra: "pearson".
class Summarization {
 public:
  /// One article's summaries: [machine_begin, machine_end) of the machines', with a grade each, and [human_begin,
  /// human_end) of the people's.
  struct Article {
    Index machine_begin = 0, machine_end = 0, human_begin = 0, human_end = 0;
    std::vector<double> grades = {};
  };

  /// Throws ShapeError where the numbers do not fit.
  NVEMBED_INLINE Summarization(TaskInfo info, TaskTexts machine, TaskTexts human, std::vector<Article> articles);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return texts_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;

 private:
  TaskInfo info_;
  std::vector<TaskTexts> texts_;
  std::vector<Article> articles_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/summarization.inl>
#endif
