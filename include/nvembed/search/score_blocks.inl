#pragma once

#include <algorithm>
#include <nvembed/core/error.hpp>
#include <nvembed/search/score_blocks.hpp>
#include <nvembed/search/vector_math.hpp>
#include <vector>

namespace nvembed::search {
namespace detail {

/// Rows [begin, end), in a block of their own, divided by `scale(norm of the row)`; zero rows stay.
template <class F>
std::vector<float> scaled_rows(HostMatrix m, Index begin, Index end, F&& scale) {
  std::vector<float> rows(m.row(begin), m.row(end));
  for (Index r = begin; r < end; ++r) {
    const double length = norm(m[r]), by = length > 0 ? 1 / scale(length) : 0;
    for (Index c = 0; c < m.cols; ++c) {
      float& x = rows[static_cast<std::size_t>((r - begin) * m.cols + c)];
      x = static_cast<float>(static_cast<double>(x) * by);
    }
  }
  return rows;
}

}  // namespace detail

NVEMBED_INLINE void score_blocks(HostMatrix queries, HostMatrix corpus, const DotProducts& dots, Similarity similarity,
                                 const std::function<void(const ScoreBlock&)>& f) {
  require<ShapeError>(queries.cols == corpus.cols, "search", "queries have ", queries.cols, " components, documents ",
                      corpus.cols);
  constexpr Index query_block = 256, corpus_block = 2048;
  const bool cosines = similarity == Similarity::cosine;
  // A query's own length does not change its ranking. For products all documents are divided by the longest one's.
  double longest = 0;
  if (!cosines)
    for (Index d = 0; d < corpus.rows; ++d) longest = std::max(longest, norm(corpus[d]));
  const auto own_length = [](double length) { return length; };
  const auto document_scale = [&](double length) { return cosines ? length : longest; };
  std::vector<float> scores(
      static_cast<std::size_t>(std::min(query_block, queries.rows) * std::min(corpus_block, corpus.rows)));
  for (Index q = 0; q < queries.rows; q += query_block) {
    const Index asking = std::min(query_block, queries.rows - q);
    const std::vector<float> asked = detail::scaled_rows(queries, q, q + asking, own_length);
    for (Index d = 0; d < corpus.rows; d += corpus_block) {
      const Index n = std::min(corpus_block, corpus.rows - d);
      const std::vector<float> documents = detail::scaled_rows(corpus, d, d + n, document_scale);
      dots({asked.data(), asking, queries.cols}, {documents.data(), n, corpus.cols}, scores.data());
      f({q, asking, d, n, scores.data()});
    }
  }
}

}  // namespace nvembed::search
