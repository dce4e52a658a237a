#pragma once
// Stands in for CUDA's header of this name; conversions are those of core/bfloat16.hpp.
#include <nvembed/core/bfloat16.hpp>
struct __nv_bfloat16 {
  unsigned short bits;
};
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short b) { return {b}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 h) { return h.bits; }
inline float __bfloat162float(__nv_bfloat16 h) { return static_cast<float>(nvembed::BFloat16::from_bits(h.bits)); }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return {nvembed::BFloat16(x).bits}; }
