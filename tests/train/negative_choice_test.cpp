#include <cmath>
#include <nvembed/train/negative_choice.hpp>

#include "support.hpp"

using namespace train_test;
using search::Ranked;

TEST_CASE("a draw is by the softmax of scores, without repetition, a function of its key") {
  const std::vector<Ranked> best{{0.9f, 4}, {0.7f, 2}, {0.4f, 8}};
  const NegativeChoice choice{ChoiceMode::sampled, 3, 0.5};
  double sum = 0;
  std::vector<double> weights;
  for (const Ranked& r : best) weights.push_back(std::exp(static_cast<double>(r.score) / 0.5)), sum += weights.back();
  std::vector<int> first(3), left_out(3);
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    const CounterRng key = CounterRng(1).at(static_cast<std::uint64_t>(i));
    const auto one = choice.choose(best, 1, key), two = choice.choose(best, 2, key);
    REQUIRE(one.size() == 1);
    REQUIRE(two.size() == 2);
    CHECK(two[0].score > two[1].score);
    CHECK(choice.choose(best, 2, key) == two);
    for (std::size_t r = 0; r < 3; ++r) {
      first[r] += one[0] == best[r];
      left_out[r] += two[0] != best[r] && two[1] != best[r];
    }
  }
  for (std::size_t r = 0; r < 3; ++r) {
    CHECK(first[r] / double{draws} == doctest::Approx(weights[r] / sum).epsilon(0.05));
    // Left out: the other two came, in either order.
    const double a = weights[(r + 1) % 3], b = weights[(r + 2) % 3];
    CHECK(left_out[r] / double{draws} == doctest::Approx(a * b / sum * (1 / (sum - a) + 1 / (sum - b))).epsilon(0.05));
  }
}

TEST_CASE("the best, the best and others, and what there is") {
  std::vector<Ranked> best;
  for (Index i = 0; i < 10; ++i) best.push_back({1 - 0.01f * static_cast<float>(i), i});
  CHECK(NegativeChoice{}.choose(best, 2, CounterRng(1)) == std::vector<Ranked>{best[0], best[1]});
  CHECK(NegativeChoice{}.depth(7) == 7);
  const NegativeChoice one{ChoiceMode::top1_sampled, 10};
  CHECK(one.depth(7) == 10);
  bool others = false;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto chosen = one.choose(best, 3, CounterRng(i));
    CHECK(chosen[0] == best[0]);
    others |= chosen[2] == best[9];
  }
  CHECK(others);
  CHECK(one.choose(std::span(best).first(2), 3, CounterRng(1)).size() == 2);
  CHECK(one.choose({}, 3, CounterRng(1)).empty());
  // Scores that are far apart for the temperature: the best ones, without a number that is not finite.
  CHECK(NegativeChoice{ChoiceMode::sampled, 10, 1e-6}.choose(best, 1, CounterRng(3))[0] == best[0]);
}
