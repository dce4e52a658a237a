#pragma once

#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/search/dot_products.hpp>
#include <nvembed/search/score_blocks.hpp>
#include <nvembed/train/mining_texts.hpp>

namespace nvembed::train {

/// A teacher's scores of queries and passages, numbered as MiningTexts has them.
struct PassageScores {
  Index queries = 0, passages = 0;
  /// Calls `f` for blocks that together hold the scores of all queries with the first `candidates` passages, in the
  /// order of score_blocks.
  std::function<void(Index candidates, const std::function<void(const search::ScoreBlock&)>& f)> blocks;
  float error = 0;  ///< how far a block's score may be from `exact`
  std::function<double(Index query, Index passage)> exact;
};

/// Cosines of vectors, a row a text; products run on the back end behind `dots`. Borrows the matrices. Throws
/// ShapeError where the widths differ.
NVEMBED_INLINE PassageScores vector_scores(search::HostMatrix queries, search::HostMatrix passages,
                                           search::DotProducts dots);

/// BM25 (search/bm25.hpp) over all passages: the teacher that needs no model. Borrows `texts`.
NVEMBED_INLINE PassageScores bm25_scores(const MiningTexts& texts);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/passage_scores.inl>
#endif
