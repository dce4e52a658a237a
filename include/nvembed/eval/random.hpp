#pragma once

#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <utility>
#include <vector>

namespace nvembed::eval {

/// A sequence of draws from a seed, the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : key_(seed) {}

  /// In [0, 1).
  double uniform() { return key_.at(count_++).uniform(); }
  /// In [0, n).
  Index below(Index n) { return static_cast<Index>(uniform() * static_cast<double>(n)); }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1], values[static_cast<std::size_t>(below(static_cast<Index>(i)))]);
  }

 private:
  CounterRng key_;
  std::uint64_t count_ = 0;
};

}  // namespace nvembed::eval
