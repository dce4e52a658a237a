#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <vector>

namespace nvembed {

NVEMBED_INLINE void check_fits(DType held, const float* x, Index n, std::string_view what) {
  const float most = held == DType::f16 ? 65504 : std::numeric_limits<float>::max();
  bool fits = true;
  for (Index i = 0; i < n; ++i) fits = fits && std::fabs(x[i]) <= most;
  require<FileError>(fits, "pack", what, " holds a value that ", info(held).name,
                     " cannot hold; a weight larger than 65504 needs BF16 or F32");
}

NVEMBED_INLINE float quantize_int8(const float* x, Index n, std::int8_t* q) {
  float largest = 0;
  bool finite = true;
  for (Index i = 0; i < n; ++i) {
    largest = std::max(largest, std::fabs(x[i]));
    finite = finite && std::isfinite(x[i]);
  }
  require<FileError>(finite, "pack", "a weight is not finite, which 8 bits cannot hold");
  const float scale = largest > 0 ? largest / 127 : 1;
  for (Index i = 0; i < n; ++i)
    q[i] = static_cast<std::int8_t>(std::clamp(std::nearbyint(x[i] / scale), -127.0f, 127.0f));
  return scale;
}

NVEMBED_INLINE void quantize_q4_0(const float* x, Index n, std::byte* blocks) {
  constexpr Index block = 32;
  for (Index b = 0; b < n / block; ++b, x += block, blocks += 18) {
    float extreme = 0;
    for (Index i = 0; i < block; ++i)
      if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    const float d = extreme / -8, inverse = d != 0 ? 1 / d : 0;
    const std::uint16_t bits = Float16(d).bits;
    std::memcpy(blocks, &bits, sizeof bits);
    const auto quant = [&](Index i) {
      return std::min(15, static_cast<int>(static_cast<std::int8_t>(x[i] * inverse + 8.5f)));
    };
    for (Index i = 0; i < block / 2; ++i) blocks[2 + i] = static_cast<std::byte>(quant(i) | quant(i + block / 2) << 4);
  }
}

NVEMBED_INLINE void round_row(Precision precision, DType stored, float* x, Index n) {
  if (precision == Precision::int8) {
    std::vector<std::int8_t> q(static_cast<std::size_t>(n));
    const float scale = quantize_int8(x, n, q.data());
    for (Index i = 0; i < n; ++i) x[i] = static_cast<float>(q[static_cast<std::size_t>(i)]) * scale;
    return;
  }
  switch (held_as(precision, stored, n)) {
    case DType::f16:
      for (Index i = 0; i < n; ++i) x[i] = static_cast<float>(Float16(x[i]));
      return;
    case DType::bf16:
      for (Index i = 0; i < n; ++i) x[i] = static_cast<float>(BFloat16(x[i]));
      return;
    case DType::q4_0: {
      if (stored == DType::q4_0) return;
      std::vector<std::byte> blocks(static_cast<std::size_t>(n / 32 * 18));
      quantize_q4_0(x, n, blocks.data());
      dequantize(DType::q4_0, blocks.data(), n, x);
      return;
    }
    default:
      return;  // f32, or blocks of the file
  }
}

}  // namespace nvembed
