#pragma once

#include <cstdint>
#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/search/bm25.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace nvembed::search {

/// Documents by the terms that they have: BM25 scores of a query with all of them in the time that its terms' documents
/// take, in 8 bytes a different term of a document. Stop words are left out. Immutable, so any number of threads may
/// ask.
class Bm25Index {
 public:
  /// text(0) to text(documents - 1). Throws InputError where no document has a term.
  NVEMBED_INLINE Bm25Index(Index documents, const std::function<std::string_view(Index)>& text);

  Index size() const { return documents_; }
  Bm25::Weights query(std::string_view text) const { return bm25_.query(text); }
  /// scores[i] of document `first + i`, rounded from double; 0 where no term is shared.
  NVEMBED_INLINE void scores(const Bm25::Weights& query, Index first, std::span<float> scores) const;
  /// Of one document.
  NVEMBED_INLINE double score(const Bm25::Weights& query, Index document) const;

 private:
  struct Posting {
    std::uint32_t document;
    float weight;
  };
  NVEMBED_INLINE std::span<const Posting> postings(Index term, Index first, Index end) const;

  Index documents_;
  Bm25 bm25_;
  std::vector<std::size_t> begins_;  // (terms + 1)
  std::vector<Posting> postings_;    // by term, then by document
};

}  // namespace nvembed::search

#if !defined(NVEMBED_COMPILED)
#include <nvembed/search/bm25_index.inl>
#endif
