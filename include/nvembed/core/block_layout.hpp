#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvembed/core/float16.hpp>

/// What every decoder of GGUF blocks needs.
namespace nvembed::detail {

/// Files align tensors as they like: every load goes through memcpy.
template <class V>
V load_unaligned(const std::byte* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline float load_half(const std::byte* p) {
  return static_cast<float>(Float16::from_bits(load_unaligned<std::uint16_t>(p)));
}

/// Scale and minimum of group g of a Q4_K or Q5_K block: 6 bits each, packed into 12 bytes; those of groups 0 to 3 in
/// the low 6 bits of bytes 0 to 7, those of 4 to 7 in bytes 8 to 11 and the spare top bits.
struct ScaleMin {
  int scale, minimum;
};
inline ScaleMin scale_min_k4(const std::byte* s, int g) {
  const auto byte = [s](int i) { return std::to_integer<int>(s[i]); };
  if (g < 4) return {byte(g) & 63, byte(g + 4) & 63};
  return {(byte(g + 4) & 15) | (byte(g - 4) >> 6) << 4, byte(g + 4) >> 4 | (byte(g) >> 6) << 4};
}

}  // namespace nvembed::detail
