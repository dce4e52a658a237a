#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nvembed/core/cgroup.hpp>
#include <string>

using namespace nvembed;

namespace {

namespace fs = std::filesystem;

/// A /proc and /sys of this test's own.
struct Root {
  fs::path dir = fs::temp_directory_path() / ("nvembed_cgroup_" + std::to_string(::getpid()));
  explicit Root(const std::string& groups) { file("proc/self/cgroup", groups); }
  ~Root() { fs::remove_all(dir); }
  void file(const std::string& name, const std::string& text) const {
    fs::create_directories((dir / name).parent_path());
    std::ofstream(dir / name) << text;
  }
  auto cpus() const { return detail::cgroup_cpus(dir.string()); }
  auto memory() const { return detail::cgroup_free_memory(dir.string()); }
};

constexpr const char* version1 =
    "12:pids:/docker/ab\n5:cpu,cpuacct:/docker/ab\n4:cpuset:/docker/ab\n3:memory:/docker/ab\n1:name=systemd:/\n";

}  // namespace

TEST_CASE("cgroup version 2: the smallest quota from the group up to the root") {
  const Root r("0::/user.slice/app.scope\n");
  CHECK_FALSE(r.cpus());
  r.file("sys/fs/cgroup/user.slice/app.scope/cpu.max", "max 100000\n");
  CHECK_FALSE(r.cpus());
  r.file("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  CHECK(r.cpus() == 1.5);
  r.file("sys/fs/cgroup/user.slice/app.scope/cpu.max", "400000 100000\n");
  CHECK(r.cpus() == 1.5);
  r.file("sys/fs/cgroup/cpu.max", "5000 10000\n");  // as a container with a tree of its own sees its limit
  CHECK(r.cpus() == 0.5);
}

TEST_CASE("cgroup version 1: quota and period of the cpu controller's tree") {
  const Root r(version1);
  r.file("sys/fs/cgroup/cpu/docker/ab/cpu.cfs_quota_us", "-1\n");
  r.file("sys/fs/cgroup/cpu/docker/ab/cpu.cfs_period_us", "100000\n");
  CHECK_FALSE(r.cpus());
  r.file("sys/fs/cgroup/cpu/docker/ab/cpu.cfs_quota_us", "300000\n");
  CHECK(r.cpus() == 3.0);
  r.file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");  // without a period: no limit
  CHECK(r.cpus() == 3.0);
  r.file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(r.cpus() == 2.0);
}

TEST_CASE("cgroup: a controller is found by its whole name") {
  const Root r("7:cpuset,cpuacct:/\n6:hugetlb,cpu:/a\n");
  r.file("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n");
  r.file("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  CHECK(r.cpus() == 1.0);
  r.file("proc/self/cgroup", "7:cpuset,cpuacct:/a\n");
  CHECK_FALSE(r.cpus());
}

TEST_CASE("cgroup version 2: memory that is left, file pages counted as free") {
  const Root r("0::/a/b\n");
  CHECK_FALSE(r.memory());
  r.file("sys/fs/cgroup/a/b/memory.max", "max\n");
  r.file("sys/fs/cgroup/a/b/memory.current", "900\n");
  CHECK_FALSE(r.memory());
  r.file("sys/fs/cgroup/a/b/memory.max", "1000\n");
  CHECK(r.memory() == 100);
  r.file("sys/fs/cgroup/a/b/memory.stat", "anon 500\nfile 400\ninactive_anon 1\ninactive_file 300\nactive_file 100\n");
  CHECK(r.memory() == 400);
  r.file("sys/fs/cgroup/a/memory.max", "2000\n");
  r.file("sys/fs/cgroup/a/memory.current", "1950\n");
  CHECK(r.memory() == 50);
  r.file("sys/fs/cgroup/a/memory.current", "2050\n");
  CHECK(r.memory() == 0);
}

TEST_CASE("cgroup version 1: limit and usage of the memory controller's tree") {
  const Root r(version1);
  r.file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // none
  r.file("sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n");
  CHECK(r.memory() > Index{1} << 62);
  r.file("sys/fs/cgroup/memory/docker/ab/memory.limit_in_bytes", "8000\n");
  CHECK(r.memory() > Index{1} << 62);  // without usage
  r.file("sys/fs/cgroup/memory/docker/ab/memory.usage_in_bytes", "7000\n");
  CHECK(r.memory() == 1000);
  r.file("sys/fs/cgroup/memory/docker/ab/memory.stat",
         "cache 3000\ninactive_file 1\nhierarchical_memory_limit 8000\ntotal_inactive_file 2500\n");
  CHECK(r.memory() == 3500);
}

TEST_CASE("cgroup: both versions at once, and files that are none") {
  const Root r("4:memory:/x\n1:cpu:/x\n0::/\n");
  r.file("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000\n");
  r.file("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "50000\n");
  r.file("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "100\n");
  r.file("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "40\n");
  CHECK(r.cpus() == 2.0);
  CHECK(r.memory() == 60);
  r.file("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "0\n");
  r.file("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "plenty\n");
  CHECK_FALSE(r.cpus());
  CHECK_FALSE(r.memory());
  r.file("proc/self/cgroup", "nonsense\n:\n::\n\n");
  CHECK_FALSE(r.cpus());
  CHECK_FALSE(Root("").memory());
}
