#include <doctest/doctest.h>

#include <atomic>
#include <nvembed/core/thread_pool.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace nvembed;

TEST_CASE("thread pool: every task once, from several callers at a time") {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      Worker self;
      for (const Index n : {0, 1, 2, 7, 500}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
        pool.run(n, self, [&](Index i, Worker& w) {
          w.scratch_as<double>(10)[9] = 1;
          ++seen[static_cast<std::size_t>(i)];
        });
        for (auto& s : seen) wrong += s != 1;
      }
    });
  for (auto& t : callers) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("thread pool: a task's exception reaches the caller, and the pool goes on") {
  ThreadPool pool(2);
  Worker self;
  CHECK_THROWS_AS(pool.run(100, self,
                           [](Index i, Worker&) {
                             if (i == 50) throw std::runtime_error("task");
                           }),
                  std::runtime_error);
  std::atomic<int> done{0};
  pool.run(100, self, [&](Index, Worker&) { ++done; });
  CHECK(done == 100);
  CHECK_THROWS_AS(ThreadPool(0), InputError);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // allocators that end the program, not throw
TEST_CASE("worker: memory that could not be had leaves it usable") {
  Worker w;
  CHECK_THROWS_AS(w.scratch(std::size_t{1} << 60), std::bad_alloc);
  std::byte* p = w.scratch(100);
  REQUIRE(p != nullptr);
  p[99] = std::byte{1};
}
#endif
