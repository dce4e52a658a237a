#pragma once

// The order that set_schedule() asked for.

#include <bit>
#include <cstdint>

#include "emulator.hpp"

namespace emulator {

struct Order {
  Schedule schedule = Schedule::forward;
  std::uint64_t state = 1;

  /// xorshift64*
  std::uint64_t random() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1Dull;
  }

  /// The bit of `bits` (not 0) whose turn it is.
  unsigned pick(std::uint32_t bits) {
    if (schedule == Schedule::forward) return static_cast<unsigned>(std::countr_zero(bits));
    if (schedule == Schedule::backward) return 31u - static_cast<unsigned>(std::countl_zero(bits));
    const auto turn = static_cast<int>(random() >> 59);
    return (static_cast<unsigned>(std::countr_zero(std::rotr(bits, turn))) + static_cast<unsigned>(turn)) & 31u;
  }
};

/// Guarded by the runtime's lock.
Order& order();

}  // namespace emulator
