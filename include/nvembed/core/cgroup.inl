#pragma once

#include <algorithm>
#include <fstream>
#include <nvembed/core/cgroup.hpp>
#include <string_view>

namespace nvembed::detail {

/// The number a small system file begins with; nothing where it cannot be read or begins with a word (`max`).
inline std::optional<Index> first_number(const std::string& path) {
  std::ifstream file(path);
  Index number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The number behind `key` in a file of lines `key number`; 0 where there is none.
inline Index number_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string name;
  for (Index number = 0; file >> name >> number;)
    if (name == key) return number;
  return 0;
}

/// f(folder) for the group of this process that holds `controller` and for every one above it. Version 2 has one tree,
/// version 1 a tree a controller; both may be there at once. A container sees the host's path but only its own part of
/// the tree, so folders may be missing.
template <class F>
void for_each_cgroup(const std::string& root, const std::string& controller, F&& f) {
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "id:controllers:/path", version 2: "0::/path"
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && ("," + controllers + ",").find("," + controller + ",") == std::string::npos) continue;
    const std::string tree = root + "/sys/fs/cgroup" + (v2 ? "" : "/" + controller);
    std::string group = line.substr(second + 1);
    for (;;) {
      while (!group.empty() && group.back() == '/') group.pop_back();
      f(tree + group);
      if (group.empty()) break;
      group.resize(group.find_last_of('/') + 1);
    }
  }
}

NVEMBED_INLINE std::optional<double> cgroup_cpus(const std::string& root) {
  std::optional<double> least;
  const auto limit = [&](std::optional<Index> quota, std::optional<Index> period) {  // microseconds
    if (!quota || !period || *quota <= 0 || *period <= 0) return;
    const double cpus = static_cast<double>(*quota) / static_cast<double>(*period);
    least = std::min(least.value_or(cpus), cpus);
  };
  for_each_cgroup(root, "cpu", [&](const std::string& dir) {
    std::ifstream file(dir + "/cpu.max");  // version 2: "quota period", or "max period"
    if (Index quota = 0, period = 0; file >> quota >> period) limit(quota, period);
    limit(first_number(dir + "/cpu.cfs_quota_us"), first_number(dir + "/cpu.cfs_period_us"));  // version 1; -1: none
  });
  return least;
}

NVEMBED_INLINE std::optional<Index> cgroup_free_memory(const std::string& root) {
  std::optional<Index> least;
  const auto limit = [&](std::optional<Index> most, std::optional<Index> used, Index reclaimable) {
    if (!most || !used) return;
    const Index free = std::max<Index>(0, *most - std::max<Index>(0, *used - reclaimable));
    least = std::min(least.value_or(free), free);
  };
  for_each_cgroup(root, "memory", [&](const std::string& dir) {
    limit(first_number(dir + "/memory.max"), first_number(dir + "/memory.current"),
          number_of(dir + "/memory.stat", "inactive_file"));
    // Version 1 says no limit by a number near the largest; `total_` counts the groups below too, as the limit does.
    limit(first_number(dir + "/memory.limit_in_bytes"), first_number(dir + "/memory.usage_in_bytes"),
          number_of(dir + "/memory.stat", "total_inactive_file"));
  });
  return least;
}

}  // namespace nvembed::detail
