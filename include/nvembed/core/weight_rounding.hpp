#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nvembed/core/config.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <string_view>

namespace nvembed {

/// The type in which a matrix stored as `stored`, with rows of `cols` elements, is held where `wanted` is asked for.
inline DType held_as(Precision wanted, DType stored, Index cols) {
  if (wanted == Precision::f32) return DType::f32;
  if (wanted == Precision::f16) return DType::f16;
  if (wanted == Precision::bf16) return DType::bf16;
  if (wanted == Precision::q4 && info(stored).block > 1) return stored;
  if (wanted == Precision::int8 && stored == DType::q8_0) return stored;
  const DType blocks = wanted == Precision::q4 ? DType::q4_0 : wanted == Precision::fp8 ? DType::f8_r : DType::q8_m;
  return cols % info(blocks).block == 0 ? blocks : DType::f16;
}

/// Throws FileError naming `what` where a value is not finite, or too large for that type.
NVEMBED_INLINE void check_fits(DType held, const float* x, Index n, std::string_view what);

/// Q8_M blocks of a row: m = min x, d = (max x - min x) / 255, both rounded to f16; q = round((x - m) / d), 0 to 255.
/// `n` must be a multiple of 32.
NVEMBED_INLINE void quantize_q8_m(const float* x, Index n, std::byte* blocks);

/// The step of a row in 8 bits whose largest value is `most` (448 for E4M3, 127 for integers): that of the row's
/// largest magnitude, but never one whose inverse is no float.
inline float row_step(float largest, float most) { return std::max(largest / most, std::numeric_limits<float>::min()); }

/// F8_R blocks of a row: values are `Float8(x * (1 / step))`. `n` must be a multiple of 32.
NVEMBED_INLINE void quantize_f8_r(const float* x, Index n, std::byte* blocks);

/// Q4_0 blocks of a row as ggml's reference quantiser makes them: d = (the element of largest magnitude) / -8, rounded
/// to f16; q = floor(x / d + 8.5), at most 15. `n` must be a multiple of 32.
NVEMBED_INLINE void quantize_q4_0(const float* x, Index n, std::byte* blocks);

/// A row in `held`: f32, f16, bf16, or blocks as above.
NVEMBED_INLINE void encode_row(DType held, const float* x, Index n, std::byte* to);

/// A row as a packed weight of that precision gives it back: what `precision` means, for back ends that keep values.
NVEMBED_INLINE void round_row(Precision precision, DType stored, float* x, Index n);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/core/weight_rounding.inl>
#endif
