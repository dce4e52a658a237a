#include <doctest/doctest.h>

#include <algorithm>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/search/running_top.hpp>

using namespace nvembed;
using namespace nvembed::search;

TEST_CASE("the best of scores that are only nearly right are the best of the right ones") {
  constexpr float error = 0.05f;
  constexpr Index n = 5000;
  // Many scores lie closer together than the error.
  const auto exact = [](Index i) {
    return static_cast<double>(CounterRng(1).at(static_cast<std::uint64_t>(i)).bits() % 97) / 97;
  };
  const auto rough = [&](Index i) {
    const double off = CounterRng(2).at(static_cast<std::uint64_t>(i)).uniform() * 2 - 1;
    return static_cast<float>(exact(i) + off * static_cast<double>(error) * 0.99);
  };
  std::vector<Ranked> all;
  for (Index i = 0; i < n; ++i) all.push_back({static_cast<float>(exact(i)), i});
  std::sort(all.begin(), all.end(),
            [](const Ranked& a, const Ranked& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; });
  for (const Index k : {Index{0}, Index{1}, Index{10}, Index{300}, n, n + 1}) {
    RunningTop top(k, error);
    for (Index i = 0; i < n; ++i) {
      if (rough(i) >= top.bound()) top.add(rough(i), i);
    }
    const auto best = top.take(exact, [](Index i) { return i; });
    REQUIRE(best.size() == static_cast<std::size_t>(std::min(k, n)));
    CHECK(std::equal(best.begin(), best.end(), all.begin()));
  }
}
