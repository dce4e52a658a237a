#pragma once

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cmath>
#include <nvembed/core/cgroup.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <thread>

namespace nvembed {

NVEMBED_INLINE Index cpu_count() {
  Index n = std::max<Index>(1, static_cast<Index>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = std::max(1, CPU_COUNT(&set));
#endif
  if (const auto quota = detail::cgroup_cpus(); quota && *quota < static_cast<double>(n))
    n = std::max<Index>(1, static_cast<Index>(std::lround(*quota)));
  return n;
}

}  // namespace nvembed
