#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// round(127 x), halves to even, for components of unit vectors: int8 output. Clamped to [-127, 127].
inline std::vector<std::int8_t> to_int8(std::span<const float> row) {
  std::vector<std::int8_t> q;
  q.reserve(row.size());
  for (const float x : row)
    q.push_back(static_cast<std::int8_t>(std::clamp(std::nearbyint(127.0f * x), -127.0f, 127.0f)));
  return q;
}

/// Sign bits (1 where x > 0), eight a byte, most significant first, the last byte filled with zeros: numpy's packbits.
inline std::vector<std::uint8_t> to_binary(std::span<const float> row) {
  std::vector<std::uint8_t> bits((row.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < row.size(); ++i)
    if (row[i] > 0) bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (0x80u >> (i % 8)));
  return bits;
}

}  // namespace nvembed
