#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/cuda/scalar.cuh>

/// One element of a stored row. Values are those of core/dequantize.inl to the bit: products of scale and quant are
/// exact in float.
namespace nvembed::cuda {
namespace detail {

__device__ __forceinline__ int byte_at(const std::byte* p, int i) { return static_cast<int>(p[i]); }
__device__ __forceinline__ int signed_at(const std::byte* p, int i) {
  return static_cast<int>(static_cast<signed char>(p[i]));
}
__device__ __forceinline__ float half_at(const std::byte* p) {
  Float16 h;
  h.bits = static_cast<std::uint16_t>(byte_at(p, 0) | byte_at(p, 1) << 8);
  return to_float(h);
}

/// Q4_0, Q4_1, Q5_0, Q5_1
__device__ __forceinline__ float decode_32(const std::byte* p, int e, bool bits5, bool minimum) {
  const float d = half_at(p), m = minimum ? half_at(p + 2) : 0.0f;
  p += minimum ? 4 : 2;
  int q = 0;
  if (bits5) {
    q = (byte_at(p, e / 8) >> (e % 8) & 1) << 4;
    p += 4;
  }
  q |= byte_at(p, e % 16) >> (e / 16 * 4) & 15;
  return minimum ? fmaf(d, static_cast<float>(q), m) : d * static_cast<float>(q - (bits5 ? 16 : 8));
}

/// Q4_K, Q5_K
__device__ __forceinline__ float decode_k45(const std::byte* p, int e, bool bits5) {
  const int g = e / 32, j = e % 32;
  const std::byte* s = p + 4;
  int scale, minimum;  // 6 bits each
  if (g < 4) {
    scale = byte_at(s, g) & 63, minimum = byte_at(s, g + 4) & 63;
  } else {
    scale = (byte_at(s, g + 4) & 15) | byte_at(s, g - 4) >> 6 << 4;
    minimum = byte_at(s, g + 4) >> 4 | byte_at(s, g) >> 6 << 4;
  }
  int q = byte_at(p, (bits5 ? 48 : 16) + g / 2 * 32 + j) >> (g % 2 * 4) & 15;
  if (bits5) q |= (byte_at(p, 16 + j) >> g & 1) << 4;
  return fmaf(half_at(p) * static_cast<float>(scale), static_cast<float>(q),
              -(half_at(p + 2) * static_cast<float>(minimum)));
}

__device__ __forceinline__ float decode_q6_k(const std::byte* p, int e) {
  const int half = e / 128, part = e % 128 / 32, j = e % 32;
  const int nibble = byte_at(p, half * 64 + part % 2 * 32 + j) >> (part / 2 * 4) & 15;
  const int q = (nibble | (byte_at(p, 128 + half * 32 + j) >> (2 * part) & 3) << 4) - 32;
  const int scale = signed_at(p, 192 + half * 8 + part * 2 + j / 16);
  return half_at(p + 208) * static_cast<float>(scale) * static_cast<float>(q);
}

}  // namespace detail

/// Element `e` of the block at p (of the row at p, for types without blocks).
__device__ __forceinline__ float decode(DType type, const std::byte* p, int e) {
  switch (type) {
    case DType::f32:
      return reinterpret_cast<const float*>(p)[e];
    case DType::f16:
      return to_float(reinterpret_cast<const Float16*>(p)[e]);
    case DType::bf16:
      return to_float(reinterpret_cast<const BFloat16*>(p)[e]);
    case DType::q4_0:
      return detail::decode_32(p, e, false, false);
    case DType::q4_1:
      return detail::decode_32(p, e, false, true);
    case DType::q5_0:
      return detail::decode_32(p, e, true, false);
    case DType::q5_1:
      return detail::decode_32(p, e, true, true);
    case DType::q8_0:
      return detail::half_at(p) * static_cast<float>(detail::signed_at(p, 2 + e));
    case DType::q8_m:
      return fmaf(detail::half_at(p), static_cast<float>(detail::byte_at(p, 4 + e)), detail::half_at(p + 2));
    case DType::f8_r:
      return reinterpret_cast<const float*>(p)[0] * e4m3_value(static_cast<std::uint8_t>(p[4 + e]));
    case DType::q4_k:
      return detail::decode_k45(p, e, false);
    case DType::q5_k:
      return detail::decode_k45(p, e, true);
    case DType::q6_k:
      return detail::decode_q6_k(p, e);
    case DType::f64:
      break;  // no weight is held in it
  }
  return 0;
}

}  // namespace nvembed::cuda
