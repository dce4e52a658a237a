#pragma once

#include <functional>
#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed::search {

/// Okapi BM25 (Robertson and others 1995; k1 1.2, b 0.75, idf as Lucene has it) as vectors over the terms of a
/// collection, a component a term: the baseline that has learnt nothing. Terms are runs of letters, digits and
/// underscores in lower case, of one character or more.
class Bm25 {
 public:
  static constexpr double k1 = 1.2, b = 0.75;
  /// The components of a vector that are not zero, with their numbers, ascending.
  using Weights = std::vector<std::pair<Index, float>>;

  /// Counts the terms of `documents`; English stop words are no terms where they are left out. Throws InputError where
  /// there is no term at all.
  NVEMBED_INLINE Bm25(std::span<const std::string> documents, bool leave_out_stop_words);
  /// The same for documents that lie elsewhere: text(0) to text(documents - 1).
  NVEMBED_INLINE Bm25(Index documents, const std::function<std::string_view(Index)>& text, bool leave_out_stop_words);

  Index dim() const { return static_cast<Index>(idf_.size()); }
  /// Term weights of a document. A query's counts times these are BM25 scores.
  NVEMBED_INLINE Weights document(std::string_view text) const;
  /// How often each term stands in a query.
  NVEMBED_INLINE Weights query(std::string_view text) const;
  /// The same of several, every component, (texts, dim).
  NVEMBED_INLINE std::vector<float> documents(std::span<const std::string> texts) const;
  NVEMBED_INLINE std::vector<float> queries(std::span<const std::string> texts) const;

 private:
  NVEMBED_INLINE std::vector<float> dense(std::span<const std::string> texts,
                                          Weights (Bm25::*weights)(std::string_view) const) const;

  std::map<std::string, Index, std::less<>> terms_;
  std::vector<double> idf_;
  double mean_length_ = 0;
  bool leave_out_stop_words_;
};

}  // namespace nvembed::search

#if !defined(NVEMBED_COMPILED)
#include <nvembed/search/bm25.inl>
#endif
