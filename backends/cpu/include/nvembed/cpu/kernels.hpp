#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::cpu {

/// Instruction sets that kernels exist for. `plain` takes what every target has.
enum class Isa : std::uint8_t { plain, avx2, avx512 };

/// The inner loops, on rows of floats; each result depends on its own row alone. One table an instruction set, from one
/// source (`kernels.body.inc`).
struct Kernels {
  Isa isa;
  /// y = w x / sqrt(mean x^2 + eps); stores the factor where `rstd` is not null
  void (*rms_norm)(const float* x, const float* w, Index n, double eps, float* y, float* rstd);
  /// y = (x - mean) / sqrt(variance + eps) w + b
  void (*layer_norm)(const float* x, const float* w, const float* b, Index n, double eps, float* y, float* mean,
                     float* rstd);
  /// one head: (a, b) -> (a cos - b sin, b cos + a sin)
  void (*rope)(const float* x, const float* cos, const float* sin, Index half, float* y);
  /// y = exp(scale x - max), returns the sum of y
  float (*exp_sum)(const float* x, Index n, float scale, float* y);
  /// y = a x
  void (*scale)(const float* x, Index n, float a, float* y);
  /// y = a + b
  void (*add)(const float* a, const float* b, Index n, float* y);
  /// y = x + bias + residual; either may be null
  void (*epilogue)(const float* x, const float* bias, const float* residual, Index n, float* y);
  /// y = silu(first) second, or first gelu(second); biases of both halves may be null
  void (*gated)(Gate gate, const float* first, const float* second, const float* bias1, const float* bias2, Index n,
                float* y);
  /// sum of squares
  float (*squares)(const float* x, Index n);
  /// floats out of 16-bit floats and of the upper halves of floats, and into them, rounded to nearest even
  void (*widen_f16)(const std::uint16_t* x, Index n, float* y);
  void (*widen_bf16)(const std::uint16_t* x, Index n, float* y);
  void (*narrow_f16)(const float* x, Index n, std::uint16_t* y);
  void (*narrow_bf16)(const float* x, Index n, std::uint16_t* y);
  /// what `nvembed::dequantize` and `nvembed::quantize_q8_m` say, faster
  void (*dequantize)(DType dtype, const std::byte* bytes, Index cols, float* out);
  void (*quantize_q8_m)(const float* x, Index n, std::byte* blocks);
  /// One step of attention with an online softmax, for up to `panel` queries against a tile of keys; `panel` queries
  /// stand side by side in `q`, `scores` and `out`, of which the first `queries` count. `keys` and, in
  /// `attention_values`, `d` are multiples of 8.
  Index panel;
  /// scores (keys, panel) = k (keys, d) q (d, panel)
  void (*attention_scores)(const float* q, Index queries, const float* k, Index d, Index keys, float* scores);
  /// Takes scores, as exponents of 2, and v (keys, d) up into out (d, panel), which lacks the division by sum (panel);
  /// highest (panel) is the largest score so far. Overwrites `scores`.
  void (*attention_values)(float* scores, Index queries, const float* v, Index d, Index keys, float* highest,
                           float* sum, float* out);

  /// a . b
  float (*dot)(const float* a, const float* b, Index n);
  /// y += a x
  void (*axpy)(float a, const float* x, Index n, float* y);
  /// y += c a b, element by element
  void (*multiply_add)(const float* a, const float* b, float c, Index n, float* y);
  /// What a row's gradient is, from that of the kernel of this name above.
  void (*rms_norm_backward)(const float* dy, const float* x, const float* w, Index n, float rstd, float* dx);
  void (*layer_norm_backward)(const float* dy, const float* x, const float* w, Index n, float mean, float rstd,
                              float* dx);
  void (*gated_backward)(Gate gate, const float* dy, const float* first, const float* second, Index n, float* d_first,
                         float* d_second);
  /// dx = scale y (dy - dy . y), y being softmax(scale x)
  void (*softmax_backward)(const float* dy, const float* y, Index n, float scale, float* dx);
  /// y = exp(scale x - shift)
  void (*exp_minus)(const float* x, Index n, float scale, float shift, float* y);
  /// ds = scale p (dp - along)
  void (*attention_ds)(const float* dp, const float* p, Index n, float along, float scale, float* ds);
};

/// The kernels for `isa`. Throws InputError where this machine or build has none.
NVEMBED_INLINE const Kernels& kernels(Isa isa);
/// The best instruction set of this machine; NVEMBED_ISA=plain|avx2|avx512 in the environment asks for a lower one.
NVEMBED_INLINE Isa best_isa();
/// `avx512`, as NVEMBED_ISA spells it.
NVEMBED_INLINE const char* name(Isa isa);

}  // namespace nvembed::cpu

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cpu/kernels.inl>
#endif
