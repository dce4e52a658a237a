#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <vector>

namespace nvembed {

/// Which elements of a matrix are dropped: a function of a key for each row and of the column, so the same rows lose
/// the same elements in any chunk, order or pass. Every draw of 64 bits serves four columns, 16 bits each.
struct Dropout {
  CounterRng rng{};                                        ///< keyed by seed, step and layer
  std::shared_ptr<const std::vector<std::uint64_t>> rows;  ///< a key a row: its text and its position
  double p = 0;                                            ///< probability of being dropped

  explicit operator bool() const { return p > 0 && rows; }
  /// The generator of a row.
  CounterRng row(Index i) const { return rng.at((*rows)[static_cast<std::size_t>(i)]); }
  /// `p` in units of 2^-16, as it is used.
  std::uint32_t threshold() const {
    return static_cast<std::uint32_t>(std::clamp(std::nearbyint(p * 65536), 0.0, 65535.0));
  }

  /// y_j = x_j / (1 - p), or 0 where j is dropped. x may be y.
  template <class T>
  void apply_row(Index i, const T* x, Index n, T* y) const {
    const CounterRng r = row(i);
    const std::uint32_t drop = threshold();
    const T scale = T(65536.0 / (65536.0 - drop));
    for (Index j = 0; j < n; j += 4) {
      std::uint64_t bits = r.bits(static_cast<std::uint64_t>(j / 4));
      for (Index c = j; c < std::min(j + 4, n); ++c, bits >>= 16) y[c] = (bits & 0xFFFF) < drop ? T(0) : x[c] * scale;
    }
  }
};

}  // namespace nvembed
