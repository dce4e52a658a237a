#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>

#if defined(__x86_64__)
#if defined(__GNUC__) && \
    !defined(__clang__)  // g++ 12 warns of its own intrinsics' undefined lanes wherever they are inlined
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/block_layout.hpp>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/cpu/kernels.hpp>

namespace nvembed::cpu {

// Small loops over arrays of vectors must be unrolled whole, or the arrays go through memory; clang does that unasked.
#if defined(__GNUC__) && !defined(__clang__)
#define NVEMBED_UNROLL _Pragma("GCC unroll 16")
#else
#define NVEMBED_UNROLL
#endif
#define NVEMBED_FLAT __attribute__((always_inline)) inline

// exp2 of x <= 0, where x <= -126 gives 0 and NaN stays: 2^r, r = x - round(x), by a polynomial of relative error 2e-9
// (fitted for this), then the exponent.
#define NVEMBED_EXP2_BELOW(unless_small)    \
  const V n = round_even(x), r = sub(x, n); \
  V p = set1(1.5353362e-4f);                \
  p = fma(p, r, set1(1.3398875e-3f));       \
  p = fma(p, r, set1(9.61843692e-3f));      \
  p = fma(p, r, set1(5.55033237e-2f));      \
  p = fma(p, r, set1(2.40226477e-1f));      \
  p = fma(p, r, set1(6.93147182e-1f));      \
  p = fma(p, r, set1(1.0f));                \
  return unless_small

#include <nvembed/cpu/isa_plain.inc>

#if defined(__x86_64__)
// exp: x = n ln 2 + r, |r| <= ln 2 / 2; a polynomial for exp(r) (Cephes expf), then 2^n through the exponent bits.
#define NVEMBED_EXP(clamp_low, round, scale2)            \
  x = clamp_low;                                         \
  const V n = round(mul(x, set1(1.44269504088896341f))); \
  V r = fma(n, set1(-0.693359375f), x);                  \
  r = fma(n, set1(2.12194440e-4f), r);                   \
  V p = set1(1.9875691500e-4f);                          \
  p = fma(p, r, set1(1.3981999507e-3f));                 \
  p = fma(p, r, set1(8.3334519073e-3f));                 \
  p = fma(p, r, set1(4.1665795894e-2f));                 \
  p = fma(p, r, set1(1.6666665459e-1f));                 \
  p = fma(p, r, set1(5.0000001201e-1f));                 \
  p = fma(mul(r, r), p, add(r, set1(1.0f)));             \
  return scale2

/// What the sets below share. By instructions: what a compiler makes of portable code here depends on its flags, and a
/// call of such code among these would cost more than all the rest of a block.
namespace x86 {
__attribute__((target("f16c"), always_inline)) inline float load_half(const std::byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return _cvtsh_ss(bits);
}
/// The lower and the upper halves of 16 bytes.
__attribute__((always_inline)) inline void split_nibbles(const std::byte* p, std::uint8_t* low, std::uint8_t* high) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), mask = _mm_set1_epi8(15);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(low), _mm_and_si128(bytes, mask));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(high), _mm_and_si128(_mm_srli_epi16(bytes, 4), mask));
}
/// Bits of 16 bytes, to be bits 4 and up of 16 quants.
__attribute__((always_inline)) inline void add_high_bits(const std::byte* high, int shift, int mask, std::uint8_t* q) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(high));
  const __m128i bits =
      _mm_and_si128(_mm_srl_epi16(bytes, _mm_cvtsi32_si128(shift)), _mm_set1_epi8(static_cast<char>(mask)));
  auto* to = reinterpret_cast<__m128i*>(q);
  _mm_storeu_si128(to, _mm_or_si128(_mm_loadu_si128(to), _mm_slli_epi16(bits, 4)));
}
}  // namespace x86

#include <nvembed/cpu/isa_avx2.inc>
#include <nvembed/cpu/isa_avx512.inc>
#undef NVEMBED_EXP
#endif
#undef NVEMBED_EXP2_BELOW
#undef NVEMBED_FLAT
#undef NVEMBED_UNROLL

namespace detail {
inline bool has(Isa isa) {
  if (isa == Isa::plain) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // Every processor with AVX2 has F16C too; clang's __builtin_cpu_supports does not know the word.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}
}  // namespace detail

NVEMBED_INLINE const char* name(Isa isa) { return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "plain"; }

NVEMBED_INLINE const Kernels& kernels(Isa isa) {
  require<InputError>(detail::has(isa), "cpu", "this machine has no ", name(isa), "; leave NVEMBED_ISA unset");
#if defined(__x86_64__)
  if (isa == Isa::avx512) return avx512::table();
  if (isa == Isa::avx2) return avx2::table();
#endif
  return plain::table();
}

NVEMBED_INLINE Isa best_isa() {
  if (const char* wanted = std::getenv("NVEMBED_ISA"); wanted && *wanted) {
    for (const Isa isa : {Isa::plain, Isa::avx2, Isa::avx512})
      if (std::string_view(wanted) == name(isa)) return kernels(isa).isa;
    fail<InputError>("cpu", "NVEMBED_ISA is '", wanted, "'; it may be plain, avx2 or avx512");
  }
  for (const Isa isa : {Isa::avx512, Isa::avx2})
    if (detail::has(isa)) return isa;
  return Isa::plain;
}

}  // namespace nvembed::cpu

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
