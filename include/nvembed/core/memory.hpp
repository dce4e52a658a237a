#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed {

/// Bytes that this process may still take: the kernel's MemAvailable, cut down to what its cgroup has left. A very
/// large number where the system does not say.
NVEMBED_INLINE Index available_memory();

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/core/memory.inl>
#endif
