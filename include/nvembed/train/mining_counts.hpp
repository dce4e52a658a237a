#pragma once

#include <nvembed/core/shape.hpp>
#include <vector>

namespace nvembed::train {

/// What mining met. Candidates are counted once a query.
struct MiningCounts {
  Index queries = 0, candidates = 0;
  Index negatives = 0;  ///< mined, of all queries
  Index wanting = 0;    ///< queries that got fewer than was asked for

  // Candidates that could not be negatives, and why.
  Index known_positives = 0;  ///< answers to the query, in whichever record
  Index equal_to_query = 0;
  Index own_negatives = 0;  ///< that the record keeps
  Index above_limit = 0;    ///< scored too high for the rule
  Index skipped = 0;        ///< the best, that the rule passes over

  double mean_positive = 0;          ///< score of all queries with all their positives
  double mean_lowest_positive = 0;   ///< score of each query with the one that bounds its negatives
  std::vector<double> mean_by_rank;  ///< scores of mined negatives, of each query's best one first

  bool operator==(const MiningCounts&) const = default;
};

}  // namespace nvembed::train
