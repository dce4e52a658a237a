#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/scoring.hpp>
#include <span>
#include <vector>

namespace nvembed::eval {

/// One document of a ranking.
struct Ranked {
  float score = 0;  ///< computed in double and rounded
  Index row = 0;
  bool operator==(const Ranked&) const = default;
};

/// For each row of `queries` the k rows of `corpus` of highest similarity, best first; of equal ones the one that `tie`
/// ranks higher (`tie[row]`, all different). Exact: products in blocks pick the candidates, whose similarities are then
/// computed in double. Memory is that of a block and of the results, never (queries, corpus).
NVEMBED_INLINE std::vector<std::vector<Ranked>> nearest(HostMatrix queries, HostMatrix corpus, Index k,
                                                        std::span<const Index> tie, const Scoring& scoring);

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/nearest.inl>
#endif
