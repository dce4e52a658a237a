#pragma once

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstdio>
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
  detail::for_each_cgroup(
      [&](const std::string& dir) {  // cpu.max: "quota period", both in microseconds, or "max period"
        long long quota = 0, period = 0;
        const std::string line = detail::first_line(dir + "/cpu.max");
        if (std::sscanf(line.c_str(), "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0)
          n = std::min(n, std::max<Index>(1, static_cast<Index>((quota + period / 2) / period)));
      });
  return n;
}

}  // namespace nvembed
