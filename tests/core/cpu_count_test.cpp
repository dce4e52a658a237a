#include <doctest/doctest.h>
#include <sched.h>

#include <nvembed/core/cpu_count.hpp>
#include <thread>

using namespace nvembed;

namespace {

/// cpu_count() on a thread that may run on these CPUs alone.
Index counted_on(const cpu_set_t& set) {
  Index n = 0;
  std::thread([&] {
    if (sched_setaffinity(0, sizeof set, &set) == 0) n = cpu_count();
  }).join();
  return n;
}

}  // namespace

TEST_CASE("cpu count: as many as the CPU set has, or fewer") {
  cpu_set_t all;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  CHECK(cpu_count() >= 1);
  CHECK(cpu_count() <= CPU_COUNT(&all));
  cpu_set_t some;
  CPU_ZERO(&some);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&some) < 2; ++cpu) {
    if (!CPU_ISSET(cpu, &all)) continue;
    CPU_SET(cpu, &some);
    CHECK(counted_on(some) <= CPU_COUNT(&some));
    CHECK(counted_on(some) >= 1);
  }
}
