#pragma once

#include <algorithm>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/ranking.hpp>
#include <nvembed/eval/reranking.hpp>
#include <nvembed/eval/sample.hpp>
#include <nvembed/eval/search.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Reranking::Reranking(TaskInfo info, TaskTexts queries, TaskTexts passages,
                                    std::vector<Candidates> candidates)
    : info_(std::move(info)), texts_{std::move(queries), std::move(passages)}, candidates_(std::move(candidates)) {
  require<ShapeError>(texts_[0].texts.size() == candidates_.size(), "reranking", texts_[0].size(), " queries, ",
                      candidates_.size(), " lists of candidates");
  for (std::size_t q = 0; q < candidates_.size(); ++q) {
    const Candidates& c = candidates_[q];
    require<ShapeError>(c.begin >= 0 && c.right >= 0 && c.begin + c.right <= c.end && c.end <= texts_[1].size(),
                        "reranking", "candidates of query ", q, " are not among the passages");
    require<InputError>(c.right > 0, "reranking", texts_[0].where(static_cast<Index>(q)),
                        ": none of this query's candidates is right");
  }
}

NVEMBED_INLINE Score Reranking::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  std::vector<double> values;
  for (std::size_t q = 0; q < candidates_.size(); ++q) {
    const Candidates& c = candidates_[q];
    std::vector<float> scores;
    for (Index i = c.begin; i < c.end; ++i)
      scores.push_back(
          static_cast<float>(similarity(vectors[0][static_cast<Index>(q)], vectors[1][i], scoring.similarity)));
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a > b;  // the wrong ones stand behind
    });
    std::vector<double> gains;
    for (const std::size_t i : order) gains.push_back(i < static_cast<std::size_t>(c.right) ? 1 : 0);
    values.push_back(mean_precision(gains, static_cast<std::size_t>(c.right)));
  }
  return mean_score(values, scoring.seed);
}

NVEMBED_INLINE Reranking Reranking::sampled(double fraction, std::uint64_t seed) const {
  const std::vector<Index> queries = stratified_sample(std::vector<Index>(candidates_.size()), fraction, seed);
  std::vector<Index> passages;
  std::vector<Candidates> candidates = pick(candidates_, queries);
  for (Candidates& c : candidates) {
    const Index begin = static_cast<Index>(passages.size());
    for (Index i = c.begin; i < c.end; ++i) passages.push_back(i);
    c = {begin, c.right, static_cast<Index>(passages.size())};
  }
  return {info_, texts_[0].subset(queries), texts_[1].subset(passages), std::move(candidates)};
}

}  // namespace nvembed::eval
