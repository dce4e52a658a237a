#pragma once
// Stands in for CUDA's header of this name; conversions are those of core/float16.hpp.
#include <nvembed/core/float16.hpp>
struct __half {
  unsigned short bits;
};
inline __half __ushort_as_half(unsigned short b) { return {b}; }
inline unsigned short __half_as_ushort(__half h) { return h.bits; }
inline float __half2float(__half h) { return static_cast<float>(nvembed::Float16::from_bits(h.bits)); }
inline __half __float2half_rn(float x) { return {nvembed::Float16(x).bits}; }
