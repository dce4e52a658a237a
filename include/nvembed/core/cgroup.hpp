#pragma once

#include <cstdio>
#include <string>

namespace nvembed::detail {

/// First line of a small system file without its line end; empty where it cannot be read.
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

/// f(folder) for this process's cgroup (version 2) and every one above it: each may set a limit, the smallest counts.
template <class F>
void for_each_cgroup(F&& f) {
  std::string group = first_line("/proc/self/cgroup");  // "0::/path"
  if (group.rfind("0::", 0) != 0) return;
  for (group = group.substr(3);;) {
    f("/sys/fs/cgroup" + group);
    const auto slash = group.find_last_of('/');
    if (group.empty() || slash == std::string::npos) return;
    group.resize(slash);
  }
}

}  // namespace nvembed::detail
