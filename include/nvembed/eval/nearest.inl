#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/eval/nearest.hpp>
#include <nvembed/eval/vector_math.hpp>
#include <span>
#include <utility>

namespace nvembed::eval {
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

/// The best so far of one query, by rough scores: all that may be among the k in the end.
class Candidates {
 public:
  explicit Candidates(Index k) : k_(static_cast<std::size_t>(k)) {}

  void add(float score, Index row) {
    if (score < bound_) return;
    rows_.push_back({score, row});
    if (rows_.size() >= 4 * k_ + 256) cut();
  }
  std::vector<Ranked> take() {
    cut();
    return std::move(rows_);
  }

 private:
  // A float product of vectors of at most unit length is this close to the true one, so that who lies further below the
  // k-th is out.
  static constexpr float margin = 1e-4f;

  void cut() {
    if (rows_.size() <= k_) return;
    const auto kth = rows_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
    std::nth_element(rows_.begin(), kth, rows_.end(),
                     [](const Ranked& a, const Ranked& b) { return a.score > b.score; });
    bound_ = kth->score - margin;
    std::erase_if(rows_, [&](const Ranked& r) { return r.score < bound_; });
  }

  std::size_t k_;
  float bound_ = -2;
  std::vector<Ranked> rows_;
};

}  // namespace detail

NVEMBED_INLINE std::vector<std::vector<Ranked>> nearest(HostMatrix queries, HostMatrix corpus, Index k,
                                                        std::span<const Index> tie, const Scoring& scoring) {
  constexpr Index query_block = 256, corpus_block = 2048;
  const bool cosines = scoring.similarity == Similarity::cosine;
  // A query's own length does not change its ranking. For products all documents are divided by the longest one's.
  double longest = 0;
  if (!cosines)
    for (Index d = 0; d < corpus.rows; ++d) longest = std::max(longest, norm(corpus[d]));
  const auto own_length = [](double length) { return length; };
  const auto document_scale = [&](double length) { return cosines ? length : longest; };
  std::vector<std::vector<Ranked>> all(static_cast<std::size_t>(queries.rows));
  std::vector<float> scores(static_cast<std::size_t>(query_block * corpus_block));
  for (Index q = 0; q < queries.rows; q += query_block) {
    const Index q_end = std::min(q + query_block, queries.rows);
    const std::vector<float> asked = detail::scaled_rows(queries, q, q_end, own_length);
    std::vector<detail::Candidates> best(static_cast<std::size_t>(q_end - q), detail::Candidates(k));
    for (Index d = 0; d < corpus.rows; d += corpus_block) {
      const Index n = std::min(corpus_block, corpus.rows - d);
      const std::vector<float> documents = detail::scaled_rows(corpus, d, d + n, document_scale);
      scoring.dots({asked.data(), q_end - q, queries.cols}, {documents.data(), n, corpus.cols}, scores.data());
      for (Index i = 0; i < q_end - q; ++i)
        for (Index j = 0; j < n; ++j)
          best[static_cast<std::size_t>(i)].add(scores[static_cast<std::size_t>(i * n + j)], d + j);
    }
    for (Index i = q; i < q_end; ++i) {
      std::vector<Ranked> rows = best[static_cast<std::size_t>(i - q)].take();
      for (Ranked& r : rows) r.score = static_cast<float>(similarity(queries[i], corpus[r.row], scoring.similarity));
      std::sort(rows.begin(), rows.end(), [&](const Ranked& a, const Ranked& b) {
        if (a.score != b.score) return a.score > b.score;
        return tie[static_cast<std::size_t>(a.row)] > tie[static_cast<std::size_t>(b.row)];
      });
      rows.resize(std::min(rows.size(), static_cast<std::size_t>(k)));
      all[static_cast<std::size_t>(i)] = std::move(rows);
    }
  }
  return all;
}

}  // namespace nvembed::eval
