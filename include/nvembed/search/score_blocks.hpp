#pragma once

#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/search/dot_products.hpp>
#include <nvembed/search/similarity.hpp>
#include <span>

namespace nvembed::search {

/// Scores of some queries with some documents.
struct ScoreBlock {
  Index query = 0, queries = 0;       ///< the first, and how many
  Index document = 0, documents = 0;  ///< the same
  const float* scores = nullptr;      ///< (queries, documents), gone after the call

  /// Of query number `query + i`.
  std::span<const float> operator[](Index i) const {
    return {scores + i * documents, static_cast<std::size_t>(documents)};
  }
};

/// How far a score of score_blocks is from the true one at most: float products of vectors of at most unit length.
inline constexpr float score_error = 5e-5f;

/// Calls `f` for blocks that together hold the scores of all queries with all documents: all blocks of some queries,
/// documents ascending, then the next queries'. Memory is that of a block, never (queries, corpus). Cosines, or
/// products divided by the query's length and the length of the longest document, which ranks alike.
NVEMBED_INLINE void score_blocks(HostMatrix queries, HostMatrix corpus, const DotProducts& dots, Similarity similarity,
                                 const std::function<void(const ScoreBlock&)>& f);

}  // namespace nvembed::search

#if !defined(NVEMBED_COMPILED)
#include <nvembed/search/score_blocks.inl>
#endif
