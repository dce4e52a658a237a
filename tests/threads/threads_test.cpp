#include <doctest/doctest.h>
#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/embed/load.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>
#include <thread>
#include <vector>

// How many threads a user's program has while it encodes. A library that opens an OpenMP region keeps its threads
// waiting for the next one, so they are still there when a batch is done and progress is told. Cases that use no OpenMP
// of their own come first: threads that the user's regions have left could hide the library's.

using namespace nvembed;

namespace {

Index threads_now() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

const Index at_start = threads_now();

/// Waits for the process to have `more` threads than at its start: one that was joined may take a moment to go.
bool comes_to(Index more) {
  for (int i = 0; i < 5000 && threads_now() != at_start + more; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return threads_now() == at_start + more;
}

/// Encodes a few batches; the most threads after one of them beyond those at the start.
template <class B>
Index most_while_encoding(const TextEmbedder<B>& model) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back("text number " + std::to_string(i) + " of a few hundred");
  Index most = 0;
  model.encode(texts,
               {.batch_tokens = 600, .progress = [&](const Progress&) { most = std::max(most, threads_now()); }});
  return most - at_start;
}

template <class B>
TextEmbedder<B> tiny(Index threads) {
  return load<B>(golden::path("nvembed_tiny"), {.threads = threads});
}

}  // namespace

TEST_CASE_TEMPLATE("a model has the threads asked for, the caller's among them", B, NVEMBED_TEST_BACKENDS) {
  omp_set_num_threads(8);  // what a library that uses OpenMP would take
  for (const Index threads : {1, 2, 3}) {
    CAPTURE(threads);
    CHECK(most_while_encoding(tiny<B>(threads)) == threads - 1);
    CHECK(comes_to(0));
  }
  CHECK(omp_get_max_threads() == 8);
}

TEST_CASE_TEMPLATE("threads of the user's own add no threads of the library's", B, NVEMBED_TEST_BACKENDS) {
  constexpr Index users = 4;
  std::atomic<Index> most{0};
  {
    const auto model = tiny<B>(2);
    std::vector<std::thread> threads;
    for (Index user = 0; user < users; ++user)
      threads.emplace_back([&] {
        omp_set_num_threads(8);
        const Index seen = most_while_encoding(model);
        for (Index m = most; seen > m && !most.compare_exchange_weak(m, seen);) {
        }
      });
    for (auto& t : threads) t.join();
    CHECK(comes_to(1));
  }
  CHECK(most >= 2);
  CHECK(most <= 1 + users);
  CHECK(comes_to(0));
}

TEST_CASE_TEMPLATE("without a number, a model has a thread for each CPU that the process may use", B,
                   NVEMBED_TEST_BACKENDS) {
  CHECK(most_while_encoding(tiny<B>(0)) == cpu_count() - 1);
  CHECK(comes_to(0));

  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const Index most = most_while_encoding(tiny<B>(0));
  REQUIRE(sched_setaffinity(0, sizeof all, &all) == 0);
  CHECK(most == 0);
}

TEST_CASE_TEMPLATE("encode inside the user's OpenMP region opens none of its own", B, NVEMBED_TEST_BACKENDS) {
  constexpr int team = 4;
  const auto model = tiny<B>(2);
  omp_set_max_active_levels(3);  // nested regions would start threads
#pragma omp parallel num_threads(team)
  omp_set_num_threads(8);
  REQUIRE(comes_to(1 + team - 1));
  Index most = 0;
  int asked = 8;
#pragma omp parallel num_threads(team) reduction(max : most) reduction(min : asked)
  {
    omp_set_num_threads(8);
    most = most_while_encoding(model);
    asked = omp_get_max_threads();
  }
  CHECK(most == 1 + team - 1);
  CHECK(asked == 8);  // the user's settings are as they were
}
