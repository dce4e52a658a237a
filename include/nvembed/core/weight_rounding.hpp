#pragma once

#include <cstddef>
#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <string_view>

namespace nvembed {

/// How a matrix stored as `stored`, with rows of `cols` elements, is held where `wanted` is asked for: a block type of
/// the file, Q4_0, F16, BF16 or F32 for rows that are kept as they are written in files; nothing for int8.
inline DType held_as(Precision wanted, DType stored, Index cols) {
  if (wanted == Precision::f16) return DType::f16;
  if (wanted == Precision::bf16) return DType::bf16;
  if (wanted != Precision::q4) return DType::f32;
  if (info(stored).block > 1) return stored;
  return cols % info(DType::q4_0).block == 0 ? DType::q4_0 : DType::f16;
}

/// Throws FileError naming `what` where a value is not finite, or too large for that type.
NVEMBED_INLINE void check_fits(DType held, const float* x, Index n, std::string_view what);

/// Symmetric 8-bit quantisation of a row: q = round(x / scale), halves to even, scale = max |x| / 127 (1 for a row of
/// zeros). Returns the scale. Throws FileError for a value that is not finite.
NVEMBED_INLINE float quantize_int8(const float* x, Index n, std::int8_t* q);

/// Q4_0 blocks of a row as ggml's reference quantiser makes them: d = (the element of largest magnitude) / -8, rounded
/// to f16; q = floor(x / d + 8.5), at most 15. `n` must be a multiple of 32.
NVEMBED_INLINE void quantize_q4_0(const float* x, Index n, std::byte* blocks);

/// A row as a packed weight of that precision gives it back: what `precision` means, for back ends that keep values.
NVEMBED_INLINE void round_row(Precision precision, DType stored, float* x, Index n);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/core/weight_rounding.inl>
#endif
