#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <nvembed/core/free_list.hpp>
#include <thread>
#include <vector>

using namespace nvembed;

namespace {

/// What was asked of a memory, and places whose order is known.
struct Log {
  std::array<std::byte, 64> places{};
  std::vector<std::byte*> released;
  std::size_t given = 0, released_bytes = 0;
};

struct Memory {
  Log* log;
  std::byte* allocate(std::size_t) { return ++log->given, log->places.data() + log->given; }
  void release(std::byte* p, std::size_t size) noexcept {
    log->released.push_back(p);
    log->released_bytes += size;
  }
};

using List = FreeList<Memory>;

}  // namespace

TEST_CASE("free list: four sizes a power of two, none wastes more than a quarter") {
  CHECK(List::size_class(0) == 256);
  CHECK(List::size_class(256) == 256);
  CHECK(List::size_class(257) == 320);
  CHECK(List::size_class(1024) == 1024);
  CHECK(List::size_class(1025) == 1280);
  for (std::size_t n = 257; n < 100000; n += 13) {
    const std::size_t size = List::size_class(n);
    CHECK_UNARY(size >= n);
    CHECK_UNARY(4 * (size - n) <= n);
    CHECK_UNARY(List::size_class(size) == size);
  }
}

TEST_CASE("free list: the lowest address goes first, however the buffers came back") {
  Log log;
  List list(Memory{&log});
  std::vector<std::byte*> all;
  for (int i = 0; i < 5; ++i) all.push_back(list.take(512));
  CHECK(log.given == 5);
  const std::byte* other = list.take(1024);
  CHECK(std::find(all.begin(), all.end(), other) == all.end());
  for (const std::size_t i : {2, 0, 4, 1, 3}) list.put(all[i], 512);
  CHECK(list.take(512) == all[0]);
  CHECK(list.take(512) == all[1]);
  list.put(all[0], 512);
  CHECK(list.take(512) == all[0]);
  for (const std::size_t i : {2, 3, 4}) CHECK(list.take(512) == all[i]);
  CHECK(log.given == 6);
  list.take(512);  // none is left
  CHECK(log.given == 7);
}

TEST_CASE("free list: a buffer serves its own size alone, and all that wait are counted") {
  Log log;
  List list(Memory{&log});
  std::byte *small = list.take(256), *large = list.take(512);
  CHECK(list.bytes() == 0);
  list.put(small, 256);
  list.put(large, 512);
  CHECK(list.bytes() == 768);
  CHECK(list.take(512) == large);
  CHECK(list.bytes() == 256);
  list.take(1024);
  CHECK(log.given == 3);
  CHECK(list.bytes() == 256);
  list.clear();
  CHECK(list.bytes() == 0);
  CHECK(log.released == std::vector{small});
  CHECK(log.released_bytes == 256);
}

TEST_CASE("free list: no more wait than its capacity, the newest") {
  Log log;
  {
    List list(Memory{&log}, 3);
    std::vector<std::byte*> all;
    for (std::size_t i = 1; i <= 5; ++i) all.push_back(list.take(256 * i));
    for (std::size_t i = 1; i <= 5; ++i) list.put(all[i - 1], 256 * i);
    CHECK(log.released == std::vector{all[0], all[1]});
    CHECK(list.bytes() == 256 * (3 + 4 + 5));
    CHECK(list.take(256 * 4) == all[3]);
  }
  CHECK(log.released.size() == 4);  // what is in use is not the list's
}

TEST_CASE("free list: buffers come back on any thread") {
  Log log;
  List list(Memory{&log}, 64);
  std::vector<std::byte*> all;
  for (int i = 0; i < 40; ++i) all.push_back(list.take(256));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < all.size(); i += 4) list.put(all[i], 256);
    });
  for (auto& t : threads) t.join();
  CHECK(list.bytes() == 40 * 256);
  for (std::byte* p : all) CHECK(list.take(256) == p);
}
