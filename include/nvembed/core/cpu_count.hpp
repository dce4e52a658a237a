#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed {

/// Cores this process may use: its CPU set (`taskset`), cut down to the cgroup's CPU quota where there is one; at
/// least 1.
NVEMBED_INLINE Index cpu_count();

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/core/cpu_count.inl>
#endif
