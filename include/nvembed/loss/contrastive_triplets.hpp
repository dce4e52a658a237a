#pragma once

#include <nvembed/loss/info_nce.hpp>
#include <nvembed/loss/triplet.hpp>

namespace nvembed::loss {

/// A query, its positive and each of the negatives that InfoNCE would give it, for n queries and m passages. `counts`,
/// where given, is told of them. Throws InputError where the targets do not fit, or no query has a negative.
inline Triplet::Targets contrastive_triplets(const ContrastiveTargets& targets, Index n, Index m,
                                             bool others_hard_negatives = false, InfoNceCounts* counts = nullptr) {
  const detail::InfoNceRoles roles(targets, n, m, others_hard_negatives);
  Triplet::Targets rows;
  InfoNceCounts met;
  for (Index i = 0; i < n; ++i) {
    const std::size_t before = rows.size();
    roles.passages_of(i, [&](Index place, detail::InfoNceRole role) {
      if (role == detail::InfoNceRole::right)
        ++met.masked_right;
      else
        rows.push_back({i, targets.positive[static_cast<std::size_t>(i)], place - i * m});
    });
    ++(rows.size() > before ? met.rows : met.skipped);
  }
  require<InputError>(!rows.empty(), "triplet", "no query has a negative");
  met.negatives = static_cast<Index>(rows.size());
  if (counts) *counts = met;
  return rows;
}

}  // namespace nvembed::loss
