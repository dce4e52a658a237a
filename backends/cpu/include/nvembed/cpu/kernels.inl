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

namespace plain {
inline constexpr Isa isa = Isa::plain;
using V = float;
inline constexpr Index W = 1;
#define NVEMBED_TARGET
inline V zero() { return 0; }
inline V set1(float x) { return x; }
inline V load(const float* p) { return *p; }
inline V load_n(const float*, Index) { return 0; }
inline void store(float* p, V v) { *p = v; }
inline void store_n(float*, V, Index) {}
inline V add(V a, V b) { return a + b; }
inline V sub(V a, V b) { return a - b; }
inline V mul(V a, V b) { return a * b; }
inline V div(V a, V b) { return a / b; }
inline V fma(V a, V b, V c) { return a * b + c; }
inline V max(V a, V b) { return a > b ? a : b; }
inline float sum(V v) { return v; }
inline float top(V v) { return v; }
inline V exp(V x) { return std::exp(x); }
inline float load_half(const std::byte* p) { return nvembed::detail::load_half(p); }
inline void split_nibbles(const std::byte* p, std::uint8_t* low, std::uint8_t* high) {
  for (Index i = 0; i < 16; ++i) {
    const auto byte = std::to_integer<unsigned>(p[i]);
    low[i] = static_cast<std::uint8_t>(byte & 15);
    high[i] = static_cast<std::uint8_t>(byte >> 4);
  }
}
inline V load_f16(const std::uint16_t* p) { return static_cast<float>(Float16::from_bits(*p)); }
inline V load_bf16(const std::uint16_t* p) { return static_cast<float>(BFloat16::from_bits(*p)); }
inline V load_int8(const std::int8_t* p) { return static_cast<float>(*p); }
inline V load_uint8(const std::uint8_t* p) { return static_cast<float>(*p); }
inline void store_uint8(std::uint8_t* p, V v) { *p = static_cast<std::uint8_t>(v); }
inline void store_f16(std::uint16_t* p, V v) { *p = Float16(v).bits; }
inline void store_bf16(std::uint16_t* p, V v) { *p = BFloat16(v).bits; }
/// For attention four floats at once, in the compilers' own vectors: SSE2, NEON or whatever the target has.
namespace four {
using V = float __attribute__((vector_size(16)));
using Int = std::int32_t __attribute__((vector_size(16)));
inline constexpr Index W = 4;
inline constexpr int attention_rows = 4, attention_vectors = 2;
inline V zero() { return V{}; }
inline V set1(float x) { return V{x, x, x, x}; }
inline V load(const float* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
inline V add(V a, V b) { return a + b; }
inline V sub(V a, V b) { return a - b; }
inline V mul(V a, V b) { return a * b; }
inline V fma(V a, V b, V c) { return a * b + c; }
inline V max(V a, V b) { return a > b ? a : b; }
inline V round_even(V x) { return (x + 12582912.0f) - 12582912.0f; }  // 1.5 2^23: the sum has no room for fractions
inline V times_two_to(V p, V n) { return p * std::bit_cast<V>((__builtin_convertvector(n, Int) + 127) << 23); }
inline V exp2_below(V x) {
  NVEMBED_EXP2_BELOW(std::bit_cast<V>(std::bit_cast<Int>(times_two_to(p, n)) & ~(x <= set1(-126.0f))));
}
#include <nvembed/cpu/attention.body.inc>
}  // namespace four
using four::attention_scores;
using four::attention_values;
inline constexpr Index attention_panel = four::attention_panel;
#include <nvembed/cpu/kernels.body.inc>
#undef NVEMBED_TARGET
}  // namespace plain

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
}  // namespace x86

namespace avx2 {
using x86::load_half, x86::split_nibbles;
inline constexpr Isa isa = Isa::avx2;
using V = __m256;
inline constexpr Index W = 8;
inline constexpr int attention_rows = 4, attention_vectors = 3;
#define NVEMBED_TARGET __attribute__((target("avx2,fma,f16c")))
#define NVEMBED_PRIMITIVE __attribute__((target("avx2,fma,f16c"), always_inline)) inline
NVEMBED_PRIMITIVE V zero() { return _mm256_setzero_ps(); }
NVEMBED_PRIMITIVE V set1(float x) { return _mm256_set1_ps(x); }
NVEMBED_PRIMITIVE V load(const float* p) { return _mm256_loadu_ps(p); }
NVEMBED_PRIMITIVE void store(float* p, V v) { _mm256_storeu_ps(p, v); }
NVEMBED_PRIMITIVE __m256i lanes(Index n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
NVEMBED_PRIMITIVE V load_n(const float* p, Index n) { return _mm256_maskload_ps(p, lanes(n)); }
NVEMBED_PRIMITIVE void store_n(float* p, V v, Index n) { _mm256_maskstore_ps(p, lanes(n), v); }
NVEMBED_PRIMITIVE V add(V a, V b) { return _mm256_add_ps(a, b); }
NVEMBED_PRIMITIVE V sub(V a, V b) { return _mm256_sub_ps(a, b); }
NVEMBED_PRIMITIVE V mul(V a, V b) { return _mm256_mul_ps(a, b); }
NVEMBED_PRIMITIVE V div(V a, V b) { return _mm256_div_ps(a, b); }
NVEMBED_PRIMITIVE V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
NVEMBED_PRIMITIVE V max(V a, V b) { return _mm256_max_ps(a, b); }
NVEMBED_PRIMITIVE float sum(V v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
NVEMBED_PRIMITIVE float top(V v) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
NVEMBED_PRIMITIVE V round_even(V x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
NVEMBED_PRIMITIVE V times_two_to(V p, V n) {
  return _mm256_mul_ps(
      p, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23)));
}
NVEMBED_PRIMITIVE V exp(V x) {
  NVEMBED_EXP(_mm256_min_ps(_mm256_max_ps(x, set1(-87.3f)), set1(88.3f)), round_even, times_two_to(p, n));
}
NVEMBED_PRIMITIVE V exp2_below(V x) {
  NVEMBED_EXP2_BELOW(_mm256_andnot_ps(_mm256_cmp_ps(x, set1(-126.0f), _CMP_LE_OQ), times_two_to(p, n)));
}
NVEMBED_PRIMITIVE V load_f16(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
NVEMBED_PRIMITIVE V load_bf16(const std::uint16_t* p) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}
NVEMBED_PRIMITIVE V load_int8(const std::int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
NVEMBED_PRIMITIVE V load_uint8(const std::uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
NVEMBED_PRIMITIVE void store_uint8(std::uint8_t* p, V v) {  // cut towards zero
  const __m256i x = _mm256_cvttps_epi32(v);
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}
NVEMBED_PRIMITIVE void store_f16(std::uint16_t* p, V v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
NVEMBED_PRIMITIVE __m256i rounded_to_bf16(V v) {  // NaN aside: u + 0x7FFF + its bit 16, then the upper half
  const __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
  return _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF))), 16);
}
NVEMBED_PRIMITIVE void store_bf16(std::uint16_t* p, V v) {
  const __m256i x = rounded_to_bf16(v), packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(x, x), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(packed));
}
#include <nvembed/cpu/attention.body.inc>
#include <nvembed/cpu/kernels.body.inc>
#undef NVEMBED_TARGET
#undef NVEMBED_PRIMITIVE
}  // namespace avx2

namespace avx512 {
using x86::load_half, x86::split_nibbles;
inline constexpr Isa isa = Isa::avx512;
using V = __m512;
inline constexpr Index W = 16;
inline constexpr int attention_rows = 8, attention_vectors = 3;
#define NVEMBED_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c")))
#define NVEMBED_PRIMITIVE __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c"), always_inline)) inline
NVEMBED_PRIMITIVE V zero() { return _mm512_setzero_ps(); }
NVEMBED_PRIMITIVE V set1(float x) { return _mm512_set1_ps(x); }
NVEMBED_PRIMITIVE V load(const float* p) { return _mm512_loadu_ps(p); }
NVEMBED_PRIMITIVE void store(float* p, V v) { _mm512_storeu_ps(p, v); }
NVEMBED_PRIMITIVE __mmask16 lanes(Index n) { return static_cast<__mmask16>((1u << n) - 1u); }
NVEMBED_PRIMITIVE V load_n(const float* p, Index n) { return _mm512_maskz_loadu_ps(lanes(n), p); }
NVEMBED_PRIMITIVE void store_n(float* p, V v, Index n) { _mm512_mask_storeu_ps(p, lanes(n), v); }
NVEMBED_PRIMITIVE V add(V a, V b) { return _mm512_add_ps(a, b); }
NVEMBED_PRIMITIVE V sub(V a, V b) { return _mm512_sub_ps(a, b); }
NVEMBED_PRIMITIVE V mul(V a, V b) { return _mm512_mul_ps(a, b); }
NVEMBED_PRIMITIVE V div(V a, V b) { return _mm512_div_ps(a, b); }
NVEMBED_PRIMITIVE V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
NVEMBED_PRIMITIVE V max(V a, V b) { return _mm512_max_ps(a, b); }
NVEMBED_PRIMITIVE float sum(V v) { return _mm512_reduce_add_ps(v); }
NVEMBED_PRIMITIVE float top(V v) { return _mm512_reduce_max_ps(v); }
NVEMBED_PRIMITIVE V round_even(V x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
NVEMBED_PRIMITIVE V exp(V x) {
  NVEMBED_EXP(_mm512_min_ps(_mm512_max_ps(x, set1(-87.3f)), set1(88.3f)), round_even, _mm512_scalef_ps(p, n));
}
NVEMBED_PRIMITIVE V exp2_below(V x) {
  NVEMBED_EXP2_BELOW(_mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, set1(-126.0f), _CMP_NLE_UQ), p, n));
}
NVEMBED_PRIMITIVE V load_f16(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
NVEMBED_PRIMITIVE V load_bf16(const std::uint16_t* p) {
  const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
NVEMBED_PRIMITIVE V load_int8(const std::int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
NVEMBED_PRIMITIVE V load_uint8(const std::uint8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
NVEMBED_PRIMITIVE void store_uint8(std::uint8_t* p, V v) {  // cut towards zero
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(v)));
}
NVEMBED_PRIMITIVE void store_f16(std::uint16_t* p, V v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
NVEMBED_PRIMITIVE void store_bf16(std::uint16_t* p, V v) {  // NaN aside: u + 0x7FFF + its bit 16, then the upper half
  const __m512i u = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
}
#include <nvembed/cpu/attention.body.inc>
#include <nvembed/cpu/kernels.body.inc>
#undef NVEMBED_TARGET
#undef NVEMBED_PRIMITIVE
}  // namespace avx512
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
