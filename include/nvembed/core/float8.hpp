#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nvembed {

/// An 8-bit float of 4 bits of exponent and 3 of mantissa, E4M3 of the OCP 8-bit floating point specification: up to
/// 448, no infinity. Converts to and from float (round to nearest even, what is larger to 448), no arithmetic.
struct Float8 {
  static constexpr float most = 448;

  std::uint8_t bits = 0;

  Float8() = default;
  explicit Float8(float f) : bits(round(f)) {}
  static Float8 from_bits(std::uint8_t b) {
    Float8 x;
    x.bits = b;
    return x;
  }

  explicit operator float() const {
    const std::uint32_t magnitude = bits & 0x7Fu;
    if (magnitude == 0x7Fu) return std::numeric_limits<float>::quiet_NaN();
    const float value = magnitude < 8 ? static_cast<float>(magnitude) * 0x1p-9f
                                      : std::bit_cast<float>((magnitude << 20) + (120u << 23));
    return bits & 0x80u ? -value : value;
  }

 private:
  static std::uint8_t round(float f) {
    const std::uint32_t u = std::bit_cast<std::uint32_t>(f);
    const auto sign = static_cast<std::uint8_t>(u >> 24 & 0x80u);
    const float magnitude = std::fabs(f);
    if (std::isnan(f)) return static_cast<std::uint8_t>(sign | 0x7Fu);
    if (magnitude >= most) return static_cast<std::uint8_t>(sign | 0x7Eu);
    if (magnitude < 0x1p-6f)  // subnormal: adding 2^14 lets the float unit round at 2^-9
      return static_cast<std::uint8_t>(sign | (std::bit_cast<std::uint32_t>(magnitude + 0x1p14f) - 0x46800000u));
    const std::uint32_t bits = u & 0x7FFFFFFFu, rounded = bits + 0x7FFFFu + (bits >> 20 & 1u);
    return static_cast<std::uint8_t>(sign | ((rounded - (120u << 23)) >> 20));
  }
};

}  // namespace nvembed
