#pragma once

#include <algorithm>
#include <cstdio>
#include <limits>
#include <nvembed/core/cgroup.hpp>
#include <nvembed/embed/memory.hpp>
#include <string>

namespace nvembed {
namespace detail {

/// Bytes of a cgroup's page cache that the kernel gives up before anything else: `used` counts them.
inline Index inactive_file(const std::string& dir) {
  long long bytes = 0;
  if (std::FILE* f = std::fopen((dir + "/memory.stat").c_str(), "re")) {
    char line[256];
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "inactive_file %lld", &bytes) == 1) break;
    std::fclose(f);
  }
  return static_cast<Index>(bytes);
}

}  // namespace detail

NVEMBED_INLINE Index available_memory() {
  Index available = std::numeric_limits<Index>::max();
  if (std::FILE* f = std::fopen("/proc/meminfo", "re")) {
    char line[256];
    long long kib = 0;
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "MemAvailable: %lld kB", &kib) == 1) available = static_cast<Index>(kib) * 1024;
    std::fclose(f);
  }
  const auto number = [](const std::string& path) {
    long long n = 0;
    return std::sscanf(detail::first_line(path).c_str(), "%lld", &n) == 1 ? static_cast<Index>(n) : Index{-1};
  };
  detail::for_each_cgroup([&](const std::string& dir) {
    const Index most = number(dir + "/memory.max"), used = number(dir + "/memory.current");
    if (most < 0 || used < 0) return;
    available = std::min(available, std::max<Index>(0, most - used + detail::inactive_file(dir)));
  });
  return available;
}

}  // namespace nvembed
