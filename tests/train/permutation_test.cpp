#include <map>
#include <numeric>
#include <nvembed/train/permutation.hpp>

#include "support.hpp"

using namespace train_test;

namespace {

std::vector<Index> order(Index n, CounterRng key) {
  const Permutation p(n, key);
  std::vector<Index> found;
  for (Index i = 0; i < n; ++i) found.push_back(p(i));
  return found;
}

}  // namespace

TEST_CASE("permutation: each number once, for any size and key") {
  for (const Index n : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 100, 127, 255, 257, 1000, 4095, 4097})
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      CAPTURE(n);
      std::vector<Index> found = order(n, CounterRng(seed)), all(static_cast<std::size_t>(n));
      CHECK(found == order(n, CounterRng(seed)));
      std::sort(found.begin(), found.end());
      std::iota(all.begin(), all.end(), Index{0});
      CHECK(found == all);
    }
  CHECK_THROWS_AS(Permutation(-1, CounterRng(0)), InputError);
}

TEST_CASE("permutation: all orders of few things are equally likely") {
  // Chi-squared of 24,000 keys; 54 and 23 are exceeded by chance once in 5,000 times.
  const auto chi_squared = [](Index n, std::size_t orders) {
    std::map<std::vector<Index>, double> counts;
    constexpr int keys = 24000;
    for (std::uint64_t k = 0; k < keys; ++k) ++counts[order(n, CounterRng(7).at(k))];
    CHECK(counts.size() == orders);
    const double expected = static_cast<double>(keys) / static_cast<double>(orders);
    double sum = 0;
    for (const auto& [o, count] : counts) sum += (count - expected) * (count - expected) / expected;
    return sum;
  };
  CHECK(chi_squared(2, 2) < 14);
  CHECK(chi_squared(3, 6) < 24);
  CHECK(chi_squared(4, 24) < 54);
}

TEST_CASE("permutation: places of many things are not correlated") {
  const Index n = 1000;
  double fixed = 0, neighbours = 0, rising = 0;
  constexpr int keys = 200;
  for (std::uint64_t k = 0; k < keys; ++k) {
    const auto o = order(n, CounterRng(3).at(k));
    for (std::size_t i = 0; i < o.size(); ++i) {
      fixed += o[i] == static_cast<Index>(i);
      if (i == 0) continue;
      neighbours += std::abs(o[i] - o[i - 1]) == 1;
      rising += o[i] > o[i - 1];
    }
  }
  // Expected 1, 2 and 499.5 a permutation; standard deviations of the means 0.07, 0.1 and 0.65.
  CHECK(fixed / keys == doctest::Approx(1).epsilon(0.3));
  CHECK(neighbours / keys == doctest::Approx(2).epsilon(0.2));
  CHECK(rising / keys == doctest::Approx(499.5).epsilon(0.006));
}
