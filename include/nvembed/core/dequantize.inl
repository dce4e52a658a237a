#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/block_layout.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/float8.hpp>

namespace nvembed {
namespace detail {

static_assert(std::endian::native == std::endian::little, "stored weights are little-endian and read as they are");

inline int low_nibble(std::byte b) { return std::to_integer<int>(b) & 15; }
inline int high_nibble(std::byte b) { return std::to_integer<int>(b) >> 4; }

// In every block below, but F8_R's, the product of scale(s) and quant has at most 24 bits: it is exact in float, so
// that the order of multiplication and a fused multiply-add change nothing. F8_R has one product, rounded once.

/// 32 quants of 4 bits (5 with `bits5`) times d, plus m or minus the middle: Q4_0, Q4_1, Q5_0, Q5_1. Byte j holds the
/// low bits of quants j and j + 16; the fifth bits are one 32-bit word.
template <bool bits5, bool minimum>
void dequantize_32(const std::byte* p, float* out) {
  const float d = load_half(p), m = minimum ? load_half(p + 2) : 0.0f;
  p += minimum ? 4 : 2;
  const std::uint32_t fifth = bits5 ? load_unaligned<std::uint32_t>(p) : 0;
  if (bits5) p += 4;
  constexpr int middle = minimum ? 0 : bits5 ? 16 : 8;
  for (int j = 0; j < 16; ++j) {
    const int a = low_nibble(p[j]) | static_cast<int>((fifth >> j & 1) << 4);
    const int b = high_nibble(p[j]) | static_cast<int>((fifth >> (j + 16) & 1) << 4);
    out[j] = minimum ? d * static_cast<float>(a) + m : d * static_cast<float>(a - middle);
    out[j + 16] = minimum ? d * static_cast<float>(b) + m : d * static_cast<float>(b - middle);
  }
}

inline void dequantize_q8_0(const std::byte* p, float* out) {
  const float d = load_half(p);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(std::to_integer<std::int8_t>(p[2 + j]));
}

inline void dequantize_q8_m(const std::byte* p, float* out) {
  const float d = load_half(p), m = load_half(p + 2);
  for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(std::to_integer<std::uint8_t>(p[4 + j])) + m;
}

inline void dequantize_f8_r(const std::byte* p, float* out) {
  const auto step = load_unaligned<float>(p);
  for (int j = 0; j < 32; ++j)
    out[j] = step * static_cast<float>(Float8::from_bits(std::to_integer<std::uint8_t>(p[4 + j])));
}

/// Q4_K, Q5_K: 8 groups of 32 quants, each with a scale and a minimum.
template <bool bits5>
void dequantize_k45(const std::byte* p, float* out) {
  const float d = load_half(p), dmin = load_half(p + 2);
  const std::byte* s = p + 4;
  const std::byte* fifth = p + 16;
  const std::byte* q = p + (bits5 ? 48 : 16);
  for (int g = 0; g < 8; ++g) {
    const auto [scale, minimum] = scale_min_k4(s, g);
    const float dg = d * static_cast<float>(scale), mg = dmin * static_cast<float>(minimum);
    const std::byte* qg = q + g / 2 * 32;
    const int shift = g % 2 * 4;
    for (int j = 0; j < 32; ++j) {
      int v = std::to_integer<int>(qg[j]) >> shift & 15;
      if (bits5) v |= (std::to_integer<int>(fifth[j]) >> g & 1) << 4;
      out[g * 32 + j] = dg * static_cast<float>(v) - mg;
    }
  }
}

/// Q6_K: 16 groups of 16 quants, an 8-bit scale each. Each half of the block has 64 bytes of low 4 bits and 32 of
/// top 2.
inline void dequantize_q6_k(const std::byte* p, float* out) {
  const float d = load_half(p + 208);
  for (int half = 0; half < 2; ++half) {
    const std::byte* ql = p + half * 64;
    const std::byte* qh = p + 128 + half * 32;
    const std::byte* scales = p + 192 + half * 8;
    for (int part = 0; part < 4; ++part)
      for (int j = 0; j < 32; ++j) {
        const int nibble = std::to_integer<int>(ql[part % 2 * 32 + j]) >> (part / 2 * 4) & 15;
        const int v = (nibble | (std::to_integer<int>(qh[j]) >> (2 * part) & 3) << 4) - 32;
        const float scale = d * static_cast<float>(std::to_integer<std::int8_t>(scales[part * 2 + j / 16]));
        out[half * 128 + part * 32 + j] = scale * static_cast<float>(v);
      }
  }
}

}  // namespace detail

NVEMBED_INLINE void dequantize(DType dtype, const std::byte* bytes, Index cols, float* out) {
  const auto blocks = [&](auto decode) {
    const auto [name, block, size] = info(dtype);
    for (Index c = 0; c + block <= cols; c += block, bytes += size) decode(bytes, out + c);
  };
  switch (dtype) {
    case DType::f32:
      if (cols) std::memcpy(out, bytes, static_cast<std::size_t>(cols) * sizeof(float));
      return;
    case DType::f16:
      for (Index c = 0; c < cols; ++c) out[c] = detail::load_half(bytes + 2 * c);
      return;
    case DType::bf16:
      for (Index c = 0; c < cols; ++c)
        out[c] = static_cast<float>(BFloat16::from_bits(detail::load_unaligned<std::uint16_t>(bytes + 2 * c)));
      return;
    case DType::f64:
      for (Index c = 0; c < cols; ++c) out[c] = static_cast<float>(detail::load_unaligned<double>(bytes + 8 * c));
      return;
    case DType::q4_0:
      return blocks(detail::dequantize_32<false, false>);
    case DType::q4_1:
      return blocks(detail::dequantize_32<false, true>);
    case DType::q5_0:
      return blocks(detail::dequantize_32<true, false>);
    case DType::q5_1:
      return blocks(detail::dequantize_32<true, true>);
    case DType::q8_0:
      return blocks(detail::dequantize_q8_0);
    case DType::q4_k:
      return blocks(detail::dequantize_k45<false>);
    case DType::q5_k:
      return blocks(detail::dequantize_k45<true>);
    case DType::q6_k:
      return blocks(detail::dequantize_q6_k);
    case DType::q8_m:
      return blocks(detail::dequantize_q8_m);
    case DType::f8_r:
      return blocks(detail::dequantize_f8_r);
  }
}

}  // namespace nvembed
