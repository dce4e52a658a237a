#pragma once

#include <algorithm>
#include <cstdio>
#include <limits>
#include <nvembed/core/cgroup.hpp>
#include <nvembed/core/memory.hpp>

namespace nvembed {

NVEMBED_INLINE Index available_memory() {
  Index available = std::numeric_limits<Index>::max();
  if (std::FILE* f = std::fopen("/proc/meminfo", "re")) {
    char line[256];
    long long kib = 0;
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "MemAvailable: %lld kB", &kib) == 1) available = static_cast<Index>(kib) * 1024;
    std::fclose(f);
  }
  if (const auto free = detail::cgroup_free_memory()) available = std::min(available, *free);
  return available;
}

}  // namespace nvembed
