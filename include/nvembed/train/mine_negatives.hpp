#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nvembed/core/config.hpp>
#include <nvembed/search/ranked.hpp>
#include <nvembed/train/any_negative_rule.hpp>
#include <nvembed/train/mining_counts.hpp>
#include <nvembed/train/mining_texts.hpp>
#include <nvembed/train/negative_choice.hpp>
#include <nvembed/train/passage_scores.hpp>
#include <nvembed/train/record.hpp>
#include <nvembed/train/top_k_perc_pos.hpp>
#include <span>
#include <vector>

namespace nvembed::train {

/// How hard negatives are mined.
struct MiningOptions {
  Index negatives = 7;  ///< of a query
  AnyNegativeRule rule = TopKPercPos{};
  NegativeChoice choice = {};
  double floor = -std::numeric_limits<double>::infinity();  ///< negatives score more than this
  std::uint64_t seed = 42;                                  ///< of a choice by chance
  std::function<void(Index queries)> progress = {};         ///< called when so many queries are done
};

/// Hard negatives of each query, as numbers of passages, best first.
struct MinedNegatives {
  std::vector<std::vector<search::Ranked>> of;  ///< a list a query
  MiningCounts counts;
};

/// Searches each query's negatives among the candidates, exactly: relation and rule are asked of every candidate while
/// scores come in blocks, so that those that are left are the best of all that are allowed, and the matrix of scores is
/// never held. The score that bounds a query's negatives is the lowest of its positives', of all records that ask it:
/// what scores like any known answer may be one. Of equal scores the passage that came first goes first. Choices by
/// chance are keyed by (seed, query). Throws ShapeError where scores and texts differ in number, InputError for
/// options that make no sense or where there is no candidate.
NVEMBED_INLINE MinedNegatives mine_negatives(const MiningTexts& texts, const PassageScores& scores,
                                             const MiningOptions& options = {});

/// The record with mined negatives in the place of its own, or behind them where `texts` keeps those; one that answers
/// the query in another record is dropped. Throws InputError for a record that is not among the texts.
NVEMBED_INLINE Record with_negatives(Record record, const MiningTexts& texts, std::span<const search::Ranked> mined);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/mine_negatives.inl>
#endif
