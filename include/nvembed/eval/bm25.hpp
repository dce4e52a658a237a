#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::eval {

/// Okapi BM25 (Robertson and others 1995; k1 1.2, b 0.75, idf as Lucene has it) as vectors over the terms of a
/// collection, a component a term: the baseline that has learnt nothing. Terms are runs of letters, digits and
/// underscores in lower case, of one character or more.
class Bm25 {
 public:
  static constexpr double k1 = 1.2, b = 0.75;

  /// Counts the terms of `documents`; English stop words are no terms where they are left out.
  NVEMBED_INLINE Bm25(std::span<const std::string> documents, bool leave_out_stop_words);

  Index dim() const { return static_cast<Index>(idf_.size()); }
  /// Term weights of documents, (texts, dim). A query's counts times these are BM25 scores.
  NVEMBED_INLINE std::vector<float> documents(std::span<const std::string> texts) const;
  /// How often each term stands in a query, (texts, dim).
  NVEMBED_INLINE std::vector<float> queries(std::span<const std::string> texts) const;

 private:
  NVEMBED_INLINE std::vector<float> counts(std::string_view text) const;

  std::map<std::string, Index, std::less<>> terms_;
  std::vector<double> idf_;
  double mean_length_ = 0;
  bool leave_out_stop_words_;
};

/// Scores BM25 on tasks. Where queries and passages differ the similarity is the BM25 score, without stop words; else
/// the cosine of term weights. Memory: texts times terms of one task.
NVEMBED_INLINE Evaluation evaluate_bm25(std::span<const FoundTask> tasks, const DotProducts& dots,
                                        const EvaluateOptions& options = {});

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/bm25.inl>
#endif
