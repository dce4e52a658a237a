#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <optional>
#include <string>

/// Linux control groups, versions 1 and 2. Each group above this process may set a limit; the smallest counts. `root`
/// stands before every path that is read.
namespace nvembed::detail {

/// CPUs' worth of time that the quotas allow; nothing where none is set.
NVEMBED_INLINE std::optional<double> cgroup_cpus(const std::string& root = {});

/// Bytes that the memory limits leave, 0 where they are reached; nothing where none is set. Pages of files that the
/// kernel gives up before anything else count as free.
NVEMBED_INLINE std::optional<Index> cgroup_free_memory(const std::string& root = {});

}  // namespace nvembed::detail

#if !defined(NVEMBED_COMPILED)
#include <nvembed/core/cgroup.inl>
#endif
