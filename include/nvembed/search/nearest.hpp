#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/search/dot_products.hpp>
#include <nvembed/search/ranked.hpp>
#include <nvembed/search/similarity.hpp>
#include <span>
#include <vector>

namespace nvembed::search {

/// For each row of `queries` the k rows of `corpus` of highest similarity, best first; of equal ones the one that `tie`
/// ranks higher (`tie[row]`, all different). Exact: products in blocks pick the candidates, whose similarities are then
/// computed in double. Memory is that of a block and of the results, never (queries, corpus).
NVEMBED_INLINE std::vector<std::vector<Ranked>> nearest(HostMatrix queries, HostMatrix corpus, Index k,
                                                        std::span<const Index> tie, const DotProducts& dots,
                                                        Similarity by = Similarity::cosine);

}  // namespace nvembed::search

#if !defined(NVEMBED_COMPILED)
#include <nvembed/search/nearest.inl>
#endif
