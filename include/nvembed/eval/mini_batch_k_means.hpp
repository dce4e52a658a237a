#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/random.hpp>
#include <nvembed/eval/search.hpp>
#include <vector>

namespace nvembed::eval {

/// Clusters of the rows of x (n, dim) by mini-batch k-means (Sculley 2010): k-means++ on a sample of three batches,
/// then batches drawn with replacement until ten bring no gain or a hundred times n rows are drawn; centres that hardly
/// anybody chooses are placed anew (scikit-learn's procedure and defaults). A cluster's number for each row. Throws
/// InputError where there are fewer rows than clusters.
NVEMBED_INLINE std::vector<Index> mini_batch_k_means(HostMatrix x, Index clusters, Index batch_size, Random& random,
                                                     const DotProducts& dots);

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/mini_batch_k_means.inl>
#endif
