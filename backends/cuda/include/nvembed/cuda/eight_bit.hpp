#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::cuda {

/// Types of 8 bits that products are computed in: a row's elements are bytes times one step.
enum class EightBit : std::uint8_t { none, e4m3, int8 };

/// The largest value of the type.
NVEMBED_HD constexpr float most_of(EightBit t) { return t == EightBit::e4m3 ? 448.0f : 127.0f; }

/// Columns of sums that are made at once for `rows` rows, of `weight_rows`: up to 128 MiB of them for 16,384 rows. By
/// powers of two of `rows`, as algorithms are chosen.
inline Index eight_bit_panel(Index rows, Index weight_rows) {
  constexpr Index sums = Index{1} << 25, fewest = 2048;
  return std::min(weight_rows,
                  std::max(fewest, sums / static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(rows)))));
}

}  // namespace nvembed::cuda
