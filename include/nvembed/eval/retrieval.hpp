#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/task.hpp>
#include <nvembed/search/nearest.hpp>
#include <string>

namespace nvembed::eval {

/// Which documents answer a query: nDCG@10 over the whole corpus. Extras: "recall100", "mrr10", "accuracy1". Ties go as
/// trec_eval has them: the document with the higher id first, scores compared as 32-bit floats.
class Retrieval {
 public:
  /// Relevance, above 0, of corpus rows for each query. Every query has a relevant document. Throws ShapeError where
  /// the numbers differ, or a row does not exist; InputError for a query without a relevant document.
  NVEMBED_INLINE Retrieval(TaskInfo info, TaskTexts queries, TaskTexts corpus, std::vector<std::string> document_ids,
                           std::vector<std::map<Index, double>> relevant);

  const TaskInfo& info() const { return info_; }
  std::span<const TaskTexts> texts() const { return texts_; }
  std::span<const std::map<Index, double>> relevant() const { return relevant_; }
  NVEMBED_INLINE Score score(std::span<const HostMatrix> vectors, const Scoring& scoring) const;
  /// The k best documents of each of `queries`' rows.
  NVEMBED_INLINE std::vector<std::vector<Ranked>> ranking(HostMatrix queries, HostMatrix corpus, Index k,
                                                          const Scoring& scoring) const;
  /// Some queries, their relevant documents, and the same share of the others: scores are higher than on the whole.
  NVEMBED_INLINE Retrieval sampled(double fraction, std::uint64_t seed) const;

 private:
  TaskInfo info_;
  std::vector<TaskTexts> texts_;
  std::vector<std::string> document_ids_;
  std::vector<std::map<Index, double>> relevant_;
  std::vector<Index> id_order_;  ///< place of each document's id among all, ascending
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/retrieval.inl>
#endif
