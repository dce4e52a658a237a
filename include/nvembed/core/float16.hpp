#pragma once

#include <bit>
#include <cstdint>

namespace nvembed {

/// IEEE 754 binary16 as stored in files; converts to and from float (round to nearest even), no arithmetic.
struct Float16 {
  std::uint16_t bits = 0;

  Float16() = default;
  explicit Float16(float f) : bits(round(f)) {}
  static Float16 from_bits(std::uint16_t b) {
    Float16 h;
    h.bits = b;
    return h;
  }

  explicit operator float() const {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1Fu, mantissa = bits & 0x3FFu;
    if (exponent == 0) {  // zero and subnormal: mantissa * 2^-24, exact in float
      const float value = static_cast<float>(mantissa) * 0x1p-24f;
      return sign ? -value : value;
    }
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
    return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  }

 private:
  static std::uint16_t round(float f) {
    const std::uint32_t u = std::bit_cast<std::uint32_t>(f), magnitude = u & 0x7FFFFFFFu;
    const auto sign = static_cast<std::uint16_t>((u >> 16) & 0x8000u);
    if (magnitude > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u);   // NaN
    if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // rounds to infinity
    if (magnitude < 0x38800000u) {  // subnormal: adding 0.5 lets the float unit round at 2^-24
      const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
      return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000u));
    }
    const std::uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
  }
};

}  // namespace nvembed
