#pragma once

#include <algorithm>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/search/running_top.hpp>
#include <nvembed/train/mine_negatives.hpp>

namespace nvembed::train {
namespace detail {

/// One query's search.
struct QuerySearch {
  search::RunningTop top;
  double limit;

  /// Looks at the scores of candidates from number `first` on; gives how many scored too high.
  Index scan(std::span<const float> block, Index first, Index query, const MiningTexts& texts,
             const PassageScores& scores, double floor) {
    const double error = static_cast<double>(scores.error);
    Index above = 0;
    for (std::size_t j = 0; j < block.size(); ++j) {
      // Who is too low to be among the best is below the limit, too: the best were.
      if (block[j] < top.bound()) continue;
      const Index passage = first + static_cast<Index>(j);
      if (texts.relation(query, passage) != MiningTexts::Relation::free) continue;
      const auto score = static_cast<double>(block[j]);
      if (score >= limit - error && (score > limit + error || scores.exact(query, passage) >= limit))
        ++above;
      else if (score > floor + error || (score >= floor - error && scores.exact(query, passage) > floor))
        top.add(block[j], passage);
    }
    return above;
  }
};

}  // namespace detail

NVEMBED_INLINE MinedNegatives mine_negatives(const MiningTexts& texts, const PassageScores& scores,
                                             const MiningOptions& options) {
  const Index queries = texts.queries().size(), candidates = texts.candidates();
  require<ShapeError>(scores.queries == queries && scores.passages == texts.passages().size(), "mining", "scores of ",
                      scores.queries, " queries and ", scores.passages, " passages; the texts are ", queries, " and ",
                      texts.passages().size());
  require<InputError>(candidates > 0, "mining", "there is no candidate");
  const Index skipped = options.rule.skipped(), depth = skipped + options.choice.depth(options.negatives);
  const auto rank_count = static_cast<std::size_t>(options.negatives);
  MinedNegatives mined;
  mined.of.resize(static_cast<std::size_t>(queries));
  MiningCounts& c = mined.counts;
  c.queries = queries, c.candidates = candidates;
  std::vector<double> rank_sums;
  std::vector<Index> rank_counts;
  double positive_sum = 0;
  Index positives = 0;

  const auto begin = [&](Index q) {
    double lowest = std::numeric_limits<double>::infinity();
    for (const Index p : texts.positives(q)) {
      const double score = scores.exact(q, p);
      lowest = std::min(lowest, score);
      positive_sum += score;
      ++positives;
    }
    c.mean_lowest_positive += lowest / static_cast<double>(queries);
    c.known_positives += texts.count(q, MiningTexts::Relation::known_positive);
    c.equal_to_query += texts.count(q, MiningTexts::Relation::equal_to_query);
    c.own_negatives += texts.count(q, MiningTexts::Relation::own_negative);
    return detail::QuerySearch{search::RunningTop(depth, scores.error), options.rule.limit(lowest)};
  };
  const auto end = [&](Index q, detail::QuerySearch& s) {
    const auto best = s.top.take([&](Index p) { return scores.exact(q, p); }, [](Index p) { return p; });
    const std::size_t passed_over = std::min(best.size(), static_cast<std::size_t>(skipped));
    c.skipped += static_cast<Index>(passed_over);
    auto& chosen = mined.of[static_cast<std::size_t>(q)];
    chosen = options.choice.choose(std::span(best).subspan(passed_over), options.negatives,
                                   CounterRng(options.seed).at(static_cast<std::uint64_t>(q)));
    c.negatives += static_cast<Index>(chosen.size());
    if (chosen.size() < rank_count) ++c.wanting;
    if (rank_sums.size() < chosen.size()) rank_sums.resize(chosen.size()), rank_counts.resize(chosen.size());
    for (std::size_t r = 0; r < chosen.size(); ++r)
      rank_sums[r] += static_cast<double>(chosen[r].score), ++rank_counts[r];
  };

  std::vector<detail::QuerySearch> searches;
  scores.blocks(candidates, [&](const search::ScoreBlock& b) {
    if (b.document == 0) {
      searches.clear();
      for (Index i = 0; i < b.queries; ++i) searches.push_back(begin(b.query + i));
    }
    const bool last = b.document + b.documents == candidates;
    for (Index i = 0; i < b.queries; ++i) {
      auto& s = searches[static_cast<std::size_t>(i)];
      c.above_limit += s.scan(b[i], b.document, b.query + i, texts, scores, options.floor);
      if (last) end(b.query + i, s);
    }
    if (last && options.progress) options.progress(b.query + b.queries);
  });
  c.mean_positive = positives ? positive_sum / static_cast<double>(positives) : 0;
  for (std::size_t r = 0; r < rank_sums.size(); ++r)
    c.mean_by_rank.push_back(rank_sums[r] / static_cast<double>(rank_counts[r]));
  return mined;
}

NVEMBED_INLINE Record with_negatives(Record record, const MiningTexts& texts, std::span<const search::Ranked> mined) {
  const auto query = texts.queries().find(record.query);
  require<InputError>(query.has_value(), "mining", "the record's query is none of the texts'");
  std::erase_if(record.negatives, [&](const std::string& text) {
    const auto passage = texts.passages().find(text);
    return !texts.options().keep_negatives ||
           (passage && texts.relation(*query, *passage) == MiningTexts::Relation::known_positive);
  });
  for (const search::Ranked& r : mined) record.negatives.push_back(texts.passages()[r.row]);
  return record;
}

}  // namespace nvembed::train
