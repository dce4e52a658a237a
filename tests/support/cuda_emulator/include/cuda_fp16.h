#pragma once

// CUDA's half as its bits; conversions round to nearest even.

#include <bit>
#include <cstdint>

struct __half {
  unsigned short __x;
};
using half = __half;
struct alignas(4) __half2 {
  __half x, y;
};
using half2 = __half2;

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __half_as_ushort(__half h) { return h.__x; }

inline float __half2float(__half h) {
  const std::uint32_t sign = (h.__x & 0x8000u) << 16, magnitude = h.__x & 0x7FFFu;
  if (magnitude >= 0x7C00u) return std::bit_cast<float>(sign | 0x7F800000u | ((magnitude & 0x3FFu) << 13));
  // As a float the bits mean a number 2^112 too small, also where half is subnormal.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(scaled));
}

inline __half __float2half_rn(float f) {
  const auto bits = std::bit_cast<std::uint32_t>(f), magnitude = bits & 0x7FFFFFFFu;
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  if (magnitude > 0x7F800000u) return {0x7FFFu};  // the device's NaN, whatever came in
  std::uint32_t result;
  if (magnitude >= 0x47800000u) {
    result = 0x7C00u;
  } else if (magnitude < 0x38800000u) {  // subnormal: in units of 2^-24
    const float units = std::bit_cast<float>(magnitude) * 0x1p24f;
    result = static_cast<std::uint32_t>(units);
    const float rest = units - static_cast<float>(result);
    if (rest > 0.5f || (rest == 0.5f && (result & 1u))) ++result;
  } else {  // may carry into the exponent, up to infinity
    result = (magnitude - 0x38000000u + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
  }
  return {static_cast<unsigned short>(sign | result)};
}
inline __half __float2half(float f) { return __float2half_rn(f); }
inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
