#pragma once

#include <algorithm>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/ranking.hpp>
#include <nvembed/eval/retrieval.hpp>
#include <nvembed/eval/sample.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Retrieval::Retrieval(TaskInfo info, TaskTexts queries, TaskTexts corpus,
                                    std::vector<std::string> document_ids,
                                    std::vector<std::map<Index, double>> relevant)
    : info_(std::move(info)),
      texts_{std::move(queries), std::move(corpus)},
      document_ids_(std::move(document_ids)),
      relevant_(std::move(relevant)),
      id_order_(document_ids_.size()) {
  require<ShapeError>(texts_[0].texts.size() == relevant_.size() && texts_[1].texts.size() == document_ids_.size(),
                      "retrieval", texts_[0].size(), " queries, ", relevant_.size(), " judgements, ", texts_[1].size(),
                      " documents, ", document_ids_.size(), " ids");
  for (std::size_t q = 0; q < relevant_.size(); ++q) {
    require<InputError>(!relevant_[q].empty(), "retrieval", texts_[0].where(static_cast<Index>(q)),
                        ": no document is relevant for this query");
    for (const auto& [row, gain] : relevant_[q])
      require<ShapeError>(row >= 0 && row < texts_[1].size() && gain > 0, "retrieval", "relevance ", gain, " of row ",
                          row, " of ", texts_[1].size());
  }
  std::vector<Index> order(document_ids_.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    return document_ids_[static_cast<std::size_t>(a)] < document_ids_[static_cast<std::size_t>(b)];
  });
  for (std::size_t i = 0; i < order.size(); ++i) id_order_[static_cast<std::size_t>(order[i])] = static_cast<Index>(i);
}

NVEMBED_INLINE std::vector<std::vector<Ranked>> Retrieval::ranking(HostMatrix queries, HostMatrix corpus, Index k,
                                                                   const Scoring& scoring) const {
  return search::nearest(queries, corpus, k, id_order_, scoring.dots, scoring.similarity);
}

NVEMBED_INLINE Score Retrieval::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  constexpr Index deepest = 100;
  const auto rankings = ranking(vectors[0], vectors[1], deepest, scoring);
  std::vector<double> values;
  double recalls = 0, reciprocal_ranks = 0, first_hits = 0;
  for (std::size_t q = 0; q < rankings.size(); ++q) {
    std::vector<double> gains, relevances;
    for (const Ranked& r : rankings[q]) {
      const auto found = relevant_[q].find(r.row);
      gains.push_back(found == relevant_[q].end() ? 0 : found->second);
    }
    for (const auto& [row, gain] : relevant_[q]) relevances.push_back(gain);
    values.push_back(ndcg(gains, relevances, 10));
    recalls += recall(gains, relevances.size(), deepest);
    reciprocal_ranks += reciprocal_rank(gains, 10);
    first_hits += reciprocal_rank(gains, 1);
  }
  const double n = static_cast<double>(values.size());
  Score s = mean_score(values, scoring.seed);
  s.extras["recall100"] = 100 * recalls / n;
  s.extras["mrr10"] = 100 * reciprocal_ranks / n;
  s.extras["accuracy1"] = 100 * first_hits / n;
  return s;
}

NVEMBED_INLINE Retrieval Retrieval::sampled(double fraction, std::uint64_t seed) const {
  const std::vector<Index> queries = stratified_sample(std::vector<Index>(relevant_.size()), fraction, seed);
  std::vector<Index> needed(document_ids_.size());  // strata: 1 where a chosen query needs it
  for (const Index q : queries)
    for (const auto& [row, gain] : relevant_[static_cast<std::size_t>(q)]) needed[static_cast<std::size_t>(row)] = 1;
  std::vector<Index> documents;
  for (const Index row : stratified_sample(std::vector<Index>(needed.size()), fraction, seed + 1))
    needed[static_cast<std::size_t>(row)] = 1;
  std::map<Index, Index> place;
  for (std::size_t row = 0; row < needed.size(); ++row)
    if (needed[row]) {
      place[static_cast<Index>(row)] = static_cast<Index>(documents.size());
      documents.push_back(static_cast<Index>(row));
    }
  std::vector<std::map<Index, double>> relevant;
  for (const Index q : queries) {
    relevant.emplace_back();
    for (const auto& [row, gain] : relevant_[static_cast<std::size_t>(q)]) relevant.back()[place.at(row)] = gain;
  }
  return {info_, texts_[0].subset(queries), texts_[1].subset(documents), pick(document_ids_, documents),
          std::move(relevant)};
}

}  // namespace nvembed::eval
