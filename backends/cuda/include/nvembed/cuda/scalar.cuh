#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/element.hpp>

namespace nvembed::cuda {

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(Float16 x) { return __half2float(__ushort_as_half(x.bits)); }
__device__ __forceinline__ float to_float(BFloat16 x) { return __bfloat162float(__ushort_as_bfloat16(x.bits)); }

/// Of E4M3's bits, but NaN: as f16 they mean a 256th.
__device__ __forceinline__ float e4m3_value(std::uint8_t bits) {
  const auto half = static_cast<unsigned short>((bits & 0x80) << 8 | (bits & 0x7F) << 7);
  return 256.0f * __half2float(__ushort_as_half(half));
}

/// Rounded to nearest even.
template <Element T>
__device__ __forceinline__ T from_float(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    T y;
    if constexpr (std::is_same_v<T, Float16>)
      y.bits = __half_as_ushort(__float2half_rn(x));
    else
      y.bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
    return y;
  }
}

/// Neighbouring elements that cross the bus at once: 16 bytes.
template <Element T>
struct alignas(16) Pack {
  static constexpr int size = 16 / sizeof(T);
  T at[size];
};

template <Element T>
__device__ __forceinline__ Pack<T> load_pack(const T* p) {
  return *reinterpret_cast<const Pack<T>*>(p);
}
template <Element T>
__device__ __forceinline__ void store_pack(T* p, const Pack<T>& v) {
  *reinterpret_cast<Pack<T>*>(p) = v;
}

/// Whether rows of these views may be read and written by the pack.
template <Element T>
bool packs(MatView<const T> x) {
  return reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0 && x.stride % Pack<T>::size == 0 &&
         x.cols % Pack<T>::size == 0;
}
template <Element T>
bool packs(VecView<const T> x) {
  return reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0;
}

/// f(first element of a pack, elements in it) for the elements of a row that fall to this thread of `threads`: packs
/// where `packed`, single elements else. Which thread has which element hangs on the width alone.
template <Element T, class F>
__device__ __forceinline__ void each_pack(Index cols, bool packed, int thread, int threads, F&& f) {
  if (packed) {
    for (Index j = static_cast<Index>(thread) * Pack<T>::size; j < cols;
         j += static_cast<Index>(threads) * Pack<T>::size)
      f.template operator()<Pack<T>::size>(j);
  } else {
    for (Index j = thread; j < cols; j += threads) f.template operator()<1>(j);
  }
}

/// `n` elements at p as floats, and back; n is 1 or a pack's size.
template <int n, Element T>
__device__ __forceinline__ void load_floats(const T* p, float (&x)[n]) {
  if constexpr (n == 1) {
    x[0] = to_float(*p);
  } else {
    const Pack<T> v = load_pack(p);
#pragma unroll
    for (int i = 0; i < n; ++i) x[i] = to_float(v.at[i]);
  }
}
template <int n, Element T>
__device__ __forceinline__ void store_floats(T* p, const float (&x)[n]) {
  if constexpr (n == 1) {
    *p = from_float<T>(x[0]);
  } else {
    Pack<T> v;
#pragma unroll
    for (int i = 0; i < n; ++i) v.at[i] = from_float<T>(x[i]);
    store_pack(p, v);
  }
}

}  // namespace nvembed::cuda
