#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <nvembed/core/host_lane.hpp>
#include <thread>
#include <vector>

using namespace nvembed;

namespace {

HostLane lane(Index threads = 1) { return HostLane(std::make_shared<ThreadPool>(threads)); }

bool aligned(const std::shared_ptr<std::byte>& p) { return reinterpret_cast<std::uintptr_t>(p.get()) % 64 == 0; }

}  // namespace

TEST_CASE("host lane: buffers come back and outlive the lane") {
  std::shared_ptr<std::byte> kept;
  {
    HostLane l = lane();
    std::byte* first = l.allocate(1000).get();
    CHECK(l.allocate(1000).get() == first);  // reused
    kept = l.allocate(5000);
  }
  std::fill_n(kept.get(), 5000, std::byte{1});
}

TEST_CASE("host lane: buffers are aligned, hold what was asked for, and no two alive share memory") {
  HostLane l = lane();
  std::vector<std::pair<std::shared_ptr<std::byte>, std::size_t>> alive;
  for (const std::size_t bytes : {0, 1, 63, 64, 256, 257, 320, 321, 1023, 1024, 1025, 100000}) {
    alive.emplace_back(l.allocate(bytes), bytes);
    CHECK(aligned(alive.back().first));
    std::fill_n(alive.back().first.get(), bytes, static_cast<std::byte>(alive.size()));
  }
  for (std::size_t i = 0; i < alive.size(); ++i)
    CHECK(std::all_of(alive[i].first.get(), alive[i].first.get() + alive[i].second,
                      [&](std::byte b) { return b == static_cast<std::byte>(i + 1); }));
}

TEST_CASE("host lane: a buffer serves sizes up to a quarter smaller, and none that are larger") {
  HostLane l = lane();
  l.allocate(100000);  // has been in use, so that a few small ones may wait
  const std::byte* big = l.allocate(1280).get();
  CHECK(l.allocate(1025).get() == big);  // 1024 < n <= 1280 is one size
  const auto larger = l.allocate(1281), smaller = l.allocate(1024);
  CHECK(larger.get() != big);
  CHECK(smaller.get() != big);
}

TEST_CASE("host lane: of ever new sizes the newest are kept") {
  HostLane l = lane();
  std::vector<std::shared_ptr<std::byte>> alive;
  for (std::size_t i = 1; i <= 200; ++i) alive.push_back(l.allocate(i * 4096));
  std::vector<const std::byte*> released;
  for (auto& p : alive) released.push_back(p.get()), p.reset();
  for (std::size_t i = 170; i <= 200; ++i) {
    alive.push_back(l.allocate(i * 4096));
    CHECK(std::find(released.begin() + 160, released.end(), alive.back().get()) != released.end());
  }
}

TEST_CASE("host lane: a buffer may be released by another thread") {
  HostLane l = lane();
  auto p = l.allocate(4096);
  const std::byte* first = p.get();
  std::thread([q = std::move(p)] {}).join();
  CHECK(l.allocate(4096).get() == first);
}

TEST_CASE("host lane: copies to and from, nothing for nothing") {
  HostLane l = lane();
  const std::vector<int> from{1, 2, 3};
  std::vector<int> to(3);
  const auto p = l.allocate(sizeof(int) * 3);
  l.upload(p.get(), from.data(), sizeof(int) * 3);
  l.synchronize();
  l.download(to.data(), p.get(), sizeof(int) * 3);
  CHECK(to == from);
  l.upload(nullptr, nullptr, 0);
  l.download(nullptr, nullptr, 0);
}

TEST_CASE("host lane: lanes on one pool run their tasks side by side") {
  const auto pool = std::make_shared<ThreadPool>(3);
  CHECK(HostLane(pool).threads() == 3);
  std::vector<std::atomic<int>> seen(300);
  std::vector<std::thread> drivers;
  for (int d = 0; d < 3; ++d)
    drivers.emplace_back([&, d] {
      HostLane l(pool);
      l.parallel_for(100, [&](Index i, Worker&) { ++seen[static_cast<std::size_t>(d * 100 + i)]; });
    });
  for (auto& t : drivers) t.join();
  CHECK(std::all_of(seen.begin(), seen.end(), [](const auto& n) { return n == 1; }));
}
