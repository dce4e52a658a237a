#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/float8.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <vector>

namespace nvembed {

NVEMBED_INLINE void check_fits(DType held, const float* x, Index n, std::string_view what) {
  constexpr float half = 65504;  // the largest f16, in which blocks hold their scale
  const float most = held == DType::f16 || held == DType::q8_m ? half
                     : held == DType::q4_0                     ? half * 8
                                                               : std::numeric_limits<float>::max();
  bool fits = true;
  for (Index i = 0; i < n; ++i) fits = fits && std::fabs(x[i]) <= most;
  require<FileError>(fits, "pack", what, " holds a value that ", info(held).name,
                     " cannot hold; a weight larger than 65504 needs BF16 or F32");
}

NVEMBED_INLINE void quantize_q8_m(const float* x, Index n, std::byte* blocks) {
  constexpr Index block = 32;
  for (Index b = 0; b < n / block; ++b, x += block, blocks += 36) {
    float low = x[0], high = x[0];
    for (Index i = 1; i < block; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
    const Float16 step((high - low) / 255), minimum(low);
    const float d = static_cast<float>(step), m = static_cast<float>(minimum), inverse = d != 0 ? 1 / d : 0;
    std::memcpy(blocks, &step.bits, 2);
    std::memcpy(blocks + 2, &minimum.bits, 2);
    for (Index i = 0; i < block; ++i)
      blocks[4 + i] = static_cast<std::byte>(static_cast<int>(std::clamp((x[i] - m) * inverse + 0.5f, 0.0f, 255.0f)));
  }
}

NVEMBED_INLINE void quantize_f8_r(const float* x, Index n, std::byte* blocks) {
  constexpr Index block = 32;
  float largest = 0;
  for (Index i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  const float step = row_step(largest, Float8::most), inverse = 1 / step;
  for (Index b = 0; b < n / block; ++b, x += block, blocks += 36) {
    std::memcpy(blocks, &step, sizeof step);
    for (Index i = 0; i < block; ++i) blocks[4 + i] = static_cast<std::byte>(Float8(x[i] * inverse).bits);
  }
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

NVEMBED_INLINE void encode_row(DType held, const float* x, Index n, std::byte* to) {
  if (held == DType::q8_m) {
    quantize_q8_m(x, n, to);
  } else if (held == DType::f8_r) {
    quantize_f8_r(x, n, to);
  } else if (held == DType::q4_0) {
    quantize_q4_0(x, n, to);
  } else if (held == DType::f16 || held == DType::bf16) {
    for (Index i = 0; i < n; ++i) {
      const std::uint16_t bits = held == DType::f16 ? Float16(x[i]).bits : BFloat16(x[i]).bits;
      std::memcpy(to + i * 2, &bits, sizeof bits);
    }
  } else {
    std::memcpy(to, x, static_cast<std::size_t>(n) * sizeof(float));
  }
}

NVEMBED_INLINE void round_row(Precision precision, DType stored, float* x, Index n) {
  const DType held = held_as(precision, stored, n);
  if (held == stored || held == DType::f32) return;
  std::vector<std::byte> bytes(static_cast<std::size_t>(row_bytes(held, n)));
  encode_row(held, x, n, bytes.data());
  dequantize(held, bytes.data(), n, x);
}

}  // namespace nvembed
