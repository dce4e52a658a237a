#pragma once

#include <chrono>
#include <cstdint>

namespace nvembed::text::detail {

/// What a table mixes into its hashes, another number in every process: otherwise a file could be made whose entries
/// all fall into one place, and each look-up would walk past them. Decides where entries lie, never what is found.
inline std::uint64_t table_seed() {
  static const std::uint64_t seed = [] {
    static const char place = 0;  // address space layout is random
    const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return (reinterpret_cast<std::uintptr_t>(&place) ^ now * 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
  }();
  return seed;
}

}  // namespace nvembed::text::detail
