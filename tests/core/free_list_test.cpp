#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
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
  CHECK(buffer_size(0) == 256);
  CHECK(buffer_size(256) == 256);
  CHECK(buffer_size(257) == 320);
  CHECK(buffer_size(1024) == 1024);
  CHECK(buffer_size(1025) == 1280);
  for (std::size_t n = 257; n < 100000; n += 13) {
    const std::size_t size = buffer_size(n);
    CHECK_UNARY(size >= n);
    CHECK_UNARY(4 * (size - n) <= n);
    CHECK_UNARY(buffer_size(size) == size);
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
  list.put(large, 512);
  CHECK(list.take(256) == small);
  CHECK(list.bytes() == 512);
  CHECK(log.given == 2);
  list.clear();
  CHECK(list.bytes() == 0);
  CHECK(log.released == std::vector{large});
  CHECK(log.released_bytes == 512);
}

TEST_CASE("free list: what waits and what is used never take more than was in use at the peak, where little is kept") {
  Log log;
  {
    List list(Memory{&log});
    list.keep_little();
    std::vector<std::byte*> all;
    for (int i = 0; i < 4; ++i) all.push_back(list.take(512));
    for (std::byte* p : all) list.put(p, 512);
    CHECK(log.released.empty());
    list.take(1024);  // another shape: in place of the oldest two
    CHECK(log.released == std::vector{all[0], all[1]});
    CHECK(list.bytes() == 1024);
    CHECK(list.take(512) == all[2]);
    list.take(4096);  // a new peak, with one that waits no longer
    CHECK(log.released == std::vector{all[0], all[1], all[3]});
    CHECK(list.bytes() == 0);
    list.put(all[2], 512);
    list.take(256);
    CHECK(list.bytes() == 0);  // what waits is given up whole
  }
  CHECK(log.released.size() == 4);  // what is in use is not the list's
}

TEST_CASE("free list: a pass of several sizes finds all of its buffers again, unless little is to be kept") {
  for (const bool little : {false, true}) {
    Log log;
    List list(Memory{&log});
    if (little) list.keep_little();
    for (int pass = 0; pass < 4; ++pass)
      for (const std::size_t size : {1024, 512, 256}) list.put(list.take(size), size);
    CHECK(log.released.empty() != little);
    CHECK((log.given == 3) != little);
    list.take(2048);  // beside all of them
    CHECK((list.bytes() == 1792) != little);
  }
  Log log;
  List list(Memory{&log});
  for (const std::size_t size : {256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280}) {  // ever new shapes
    list.put(list.take(size), size);
    CHECK(list.bytes() <= 2 * size);
  }
  CHECK(log.released_bytes > 0);
}

TEST_CASE("free list: a memory that has nothing left changes nothing") {
  struct Full {
    std::byte place[1];
    bool* full;
    std::byte* allocate(std::size_t) { return *full ? throw std::bad_alloc() : place; }
    void release(std::byte*, std::size_t) noexcept {}
  };
  bool full = false;
  FreeList<Full> list(Full{{}, &full});
  std::byte* p = list.take(256);
  full = true;
  CHECK_THROWS_AS(list.take(256), std::bad_alloc);
  list.put(p, 256);
  CHECK(list.bytes() == 256);
  CHECK_THROWS_AS(list.take(512), std::bad_alloc);
}

TEST_CASE("free list: buffers come back on any thread") {
  Log log;
  List list(Memory{&log});
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
