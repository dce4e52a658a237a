#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>

namespace nvembed {

/// Randomness as a function of its key (seed, step, layer, text id, position, ...): no state, so chunking,
/// recomputation, order and threads cannot change a draw. Mixing: SplitMix64's finaliser (Steele, Lea, Flood 2014) over
/// the key words.
struct CounterRng {
  std::uint64_t key = 0;

  explicit NVEMBED_HD CounterRng(std::uint64_t seed = 0) : key(mix(seed + 0x9E3779B97F4A7C15u)) {}
  /// The generator for one more word of the key.
  NVEMBED_HD CounterRng at(std::uint64_t word) const {
    CounterRng r;
    r.key = mix(key ^ (mix(word + 0x9E3779B97F4A7C15u) + 0x632BE59BD9B4E019u));
    return r;
  }
  NVEMBED_HD std::uint64_t bits() const { return mix(key + 0xD1B54A32D192ED03u); }
  /// Draw number `n` under this key, for many draws in a row: one mixing each.
  NVEMBED_HD std::uint64_t bits(std::uint64_t n) const { return mix(key + (n + 1) * 0x9E3779B97F4A7C15u); }
  /// Uniform in [0, 1), 53 bits.
  NVEMBED_HD double uniform() const { return static_cast<double>(bits() >> 11) * 0x1p-53; }

 private:
  static NVEMBED_HD std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
};

}  // namespace nvembed
