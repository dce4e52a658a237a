#pragma once

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>

#include <nvembed/core/cpu_count.hpp>

namespace nvembed {
namespace detail {

inline std::string first_line(const std::string& path) {
  std::string line;
  if (std::FILE* f = std::fopen(path.c_str(), "re")) {
    char buffer[4096];
    if (std::fgets(buffer, sizeof buffer, f)) line = buffer;
    std::fclose(f);
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  return line;
}

/// CPUs granted by cgroup v2 `cpu.max` ("quota period" in microseconds) of `dir`; 0 where it sets no limit.
inline double cgroup_cpus(const std::string& dir) {
  long long quota = 0, period = 0;
  const std::string line = first_line(dir + "/cpu.max");
  if (std::sscanf(line.c_str(), "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
    return static_cast<double>(quota) / static_cast<double>(period);
  return 0;
}

}  // namespace detail

NVEMBED_INLINE Index cpu_count() {
  Index n = std::max<Index>(1, static_cast<Index>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = std::max(1, CPU_COUNT(&set));
  // "0::/path": every level from the process's own group up to the root may set a limit; the smallest counts.
  std::string group = detail::first_line("/proc/self/cgroup");
  if (group.rfind("0::", 0) == 0) {
    group = group.substr(3);
    for (;;) {
      const double cpus = detail::cgroup_cpus("/sys/fs/cgroup" + group);
      if (cpus > 0) n = std::min(n, std::max<Index>(1, static_cast<Index>(cpus + 0.5)));
      const auto slash = group.find_last_of('/');
      if (group.empty() || slash == std::string::npos) break;
      group.resize(slash);
    }
  }
#endif
  return n;
}

}  // namespace nvembed
