#pragma once

// The conversion of CUDA's 8-bit floats that kernels call, by counting steps of the value's own size.

#include <algorithm>
#include <cmath>

typedef unsigned char __nv_fp8_storage_t;
typedef enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE } __nv_saturation_t;
typedef enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 } __nv_fp8_interpretation_t;

/// E4M3, saturating, to nearest even; the other kinds are not emulated.
inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float x, __nv_saturation_t, __nv_fp8_interpretation_t) {
  const unsigned sign = std::signbit(x) ? 0x80u : 0u;
  if (std::isnan(x)) return 0x7Fu;  // the device's NaN, whatever came in
  const double magnitude = std::fabs(static_cast<double>(x));
  if (magnitude >= 448) return static_cast<__nv_fp8_storage_t>(sign | 0x7Eu);
  const int exponent = magnitude == 0 ? -6 : std::max(std::ilogb(magnitude), -6);
  const auto steps = static_cast<unsigned>(std::nearbyint(std::ldexp(magnitude, 3 - exponent)));  // 0 to 16
  // 8 steps are the exponent's first value; a 16th is the next exponent's.
  return static_cast<__nv_fp8_storage_t>(sign | (static_cast<unsigned>(exponent + 6) * 8 + steps));
}
