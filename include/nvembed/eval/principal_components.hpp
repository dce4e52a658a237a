#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/search.hpp>
#include <vector>

namespace nvembed::eval {

/// Coordinates of the rows along the `count` directions in which they spread most, (rows, count): principal component
/// analysis by orthogonal iteration. A direction's sign is such that its largest component is positive.
NVEMBED_INLINE std::vector<double> principal_components(HostMatrix x, Index count);

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/principal_components.inl>
#endif
