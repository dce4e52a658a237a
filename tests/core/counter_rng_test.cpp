#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nvembed/core/counter_rng.hpp>
#include <vector>

using nvembed::CounterRng;

TEST_CASE("counter rng: the mixing is SplitMix64's") {
  // The generator's published first numbers for the seeds 1234567 and 0: its n-th is mix(seed + n * gamma).
  constexpr std::uint64_t gamma = 0x9E3779B97F4A7C15u;
  const std::uint64_t from_1234567[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                        4593380528125082431u, 16408922859458223821u};
  for (std::uint64_t n = 0; n < 5; ++n) CHECK(CounterRng(1234567 + n * gamma).key == from_1234567[n]);
  CHECK(CounterRng(0).key == 0xE220A8397B1DCDAFu);
  CHECK(CounterRng(gamma).key == 0x6E789E6AA1B965F4u);
}

TEST_CASE("counter rng: draws stay what they are") {
  // From a program of its own after the header's description: stored runs depend on these.
  CHECK(CounterRng(0).bits() == 0x2FF145472E2746D6u);
  CHECK(CounterRng(0).at(0).bits() == 0x2C1A07E8CB67AA45u);
  CHECK(CounterRng(1).at(2).at(3).bits() == 0x3DC3273BEAB450B7u);
  CHECK(CounterRng(~std::uint64_t{0}).at(7).at(0).at(std::uint64_t{1} << 63).bits() == 0x19FB45FB4A22C00Fu);
  CHECK(CounterRng(1).at(2).at(3).uniform() == 0.24125905239880407);
}

TEST_CASE("counter rng: every word of the key and its place count") {
  std::vector<std::uint64_t> draws;
  for (std::uint64_t seed = 0; seed < 16; ++seed)
    for (std::uint64_t a = 0; a < 16; ++a) {
      draws.push_back(CounterRng(seed).at(a).bits());
      for (std::uint64_t b = 0; b < 16; ++b) draws.push_back(CounterRng(seed).at(a).at(b).bits());
    }
  std::sort(draws.begin(), draws.end());
  CHECK(std::adjacent_find(draws.begin(), draws.end()) == draws.end());
}

TEST_CASE("counter rng: one bit of the key changes half of the draw") {
  double flipped = 0;
  int least = 64, most = 0, n = 0;
  for (std::uint64_t word = 0; word < 64; ++word)
    for (int bit = 0; bit < 64; ++bit, ++n) {
      const auto changed =
          CounterRng(5).at(word).at(1).bits() ^ CounterRng(5).at(word ^ std::uint64_t{1} << bit).at(1).bits();
      const int bits = std::popcount(changed);
      flipped += bits;
      least = std::min(least, bits);
      most = std::max(most, bits);
    }
  CHECK(std::fabs(flipped / n - 32) < 0.25);  // four standard errors
  CHECK(least >= 10);                         // 5.5 standard deviations
  CHECK(most <= 54);
}

TEST_CASE("counter rng: uniform numbers are uniform, one after the other independent") {
  constexpr int n = 100000, cells = 100;
  std::vector<int> count(cells);
  double sum = 0, product = 0, before = 0.5;
  for (int i = 0; i < n; ++i) {
    const double u = CounterRng(9).at(static_cast<std::uint64_t>(i)).uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    ++count[static_cast<std::size_t>(u * cells)];
    sum += u;
    product += (u - 0.5) * (before - 0.5);
    before = u;
  }
  double chi = 0;
  for (const int c : count) chi += std::pow(c - n / cells, 2) / (n / cells);
  CHECK(std::fabs(sum / n - 0.5) < 4 / std::sqrt(12.0 * n));
  CHECK(std::fabs(product / n) < 4 / (12 * std::sqrt(static_cast<double>(n))));
  CHECK(std::fabs(chi - (cells - 1)) < 4 * std::sqrt(2.0 * (cells - 1)));
}
