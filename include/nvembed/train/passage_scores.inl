#pragma once

#include <algorithm>
#include <memory>
#include <nvembed/core/error.hpp>
#include <nvembed/search/bm25_index.hpp>
#include <nvembed/train/passage_scores.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed::train {

NVEMBED_INLINE PassageScores vector_scores(search::HostMatrix queries, search::HostMatrix passages,
                                           search::DotProducts dots) {
  require<ShapeError>(queries.cols == passages.cols, "mining", "vectors of queries have ", queries.cols,
                      " components, those of passages ", passages.cols);
  PassageScores s{queries.rows, passages.rows, {}, search::score_error, {}};
  s.blocks = [=, dots = std::move(dots)](Index candidates, const auto& f) {
    search::score_blocks(queries, {passages.data, candidates, passages.cols}, dots, search::Similarity::cosine, f);
  };
  s.exact = [=](Index q, Index p) { return cosine(queries[q], passages[p]); };
  return s;
}

NVEMBED_INLINE PassageScores bm25_scores(const MiningTexts& texts) {
  const auto index = std::make_shared<const search::Bm25Index>(
      texts.passages().size(), [&](Index i) -> std::string_view { return texts.passages()[i]; });
  auto asked = std::make_shared<std::vector<search::Bm25::Weights>>();
  for (Index q = 0; q < texts.queries().size(); ++q) asked->push_back(index->query(texts.queries()[q]));
  // Scores are sums of double, rounded: 2^-24 of what is at most some hundreds.
  PassageScores s{texts.queries().size(), index->size(), {}, 1e-3f, {}};
  s.blocks = [=](Index candidates, const auto& f) {
    constexpr Index query_block = 64, passage_block = 4096;
    std::vector<float> scores;
    for (Index q = 0; q < static_cast<Index>(asked->size()); q += query_block)
      for (Index p = 0; p < candidates; p += passage_block) {
        const Index rows = std::min(query_block, static_cast<Index>(asked->size()) - q);
        const Index cols = std::min(passage_block, candidates - p);
        scores.resize(static_cast<std::size_t>(rows * cols));
        for (Index i = 0; i < rows; ++i)
          index->scores((*asked)[static_cast<std::size_t>(q + i)], p,
                        std::span(scores).subspan(static_cast<std::size_t>(i * cols), static_cast<std::size_t>(cols)));
        f({q, rows, p, cols, scores.data()});
      }
  };
  s.exact = [=](Index q, Index p) { return index->score((*asked)[static_cast<std::size_t>(q)], p); };
  return s;
}

}  // namespace nvembed::train
