#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// A shuffled order of [0, n), calculated place by place: nothing is stored, and n may be any number. The swap-or-not
/// shuffle (Hoang, Morris, Rogaway: An enciphering scheme based on a card shuffle, CRYPTO 2012): each round pairs i
/// with k - i mod n for a random k and swaps the pair by a random bit, which is a permutation whatever n is. A Feistel
/// network would take fewer rounds, but only fits powers of two and shuffles small n badly. About 2 us for n = 50,000.
class Permutation {
 public:
  /// Throws InputError where n is negative.
  Permutation(Index n, CounterRng key) : n_(n), key_(key) {
    require<InputError>(n >= 0, "permutation", "of ", n, " things");
    // The paper's bound for hiding half of the places is 6 log2 n rounds; the rest is for small n.
    rounds_ = n < 2 ? 0 : 16 + 6 * static_cast<std::uint64_t>(std::bit_width(static_cast<std::uint64_t>(n)));
  }

  Index size() const { return n_; }
  /// What stands at place i of the order, for i in [0, n).
  Index operator()(Index i) const {
    for (std::uint64_t r = 0; r < rounds_; ++r) {
      const CounterRng round = key_.at(r);
      const auto k = static_cast<Index>(round.bits() % static_cast<std::uint64_t>(n_));
      const Index other = k >= i ? k - i : k - i + n_;
      if (round.at(static_cast<std::uint64_t>(std::max(i, other))).bits() >> 63) i = other;
    }
    return i;
  }

 private:
  Index n_;
  std::uint64_t rounds_ = 0;
  CounterRng key_;
};

}  // namespace nvembed::train
