#pragma once

#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <vector>

namespace nvembed::loss {

/// Which of the m passages are right and wrong for each of the n queries. A passage that nobody lists is nobody's
/// negative. Lists that may be empty are either empty or one entry a query (or passage).
struct ContrastiveTargets {
  /// (n) the passage that answers the query. Two queries may name the same.
  std::vector<Index> positive{};
  /// (n) or empty: the query's own hard negatives.
  std::vector<std::vector<Index>> negatives{};
  /// (n) whether the passages of other queries are negatives of this one. Has no default: they are wrong where other
  /// records may answer the query too (classes, clusters). A query's passages stay candidates for the others whatever
  /// is chosen for itself.
  std::vector<bool> in_batch{};
  /// (n), (m) or empty: hashes of the texts. Equal ones are the same text: passages that equal a query's positive, or
  /// the query itself, or that are right for an equal query, are not its negatives.
  std::vector<std::uint64_t> query_text{}, passage_text{};
  /// (n) or empty: further passages that answer the query. Never its negatives, whoever lists them.
  std::vector<std::vector<Index>> known_positives{};
};

}  // namespace nvembed::loss
