#pragma once

#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/eight_bit.hpp>
#include <nvembed/cuda/elementwise.cuh>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/reduce.cuh>
#include <nvembed/cuda/scalar.cuh>

/// Rows in 8 bits, each with a step of its own, and what is made of products of such rows.
namespace nvembed::cuda::kernels {
namespace detail {

inline constexpr float largest_float = 3.402823466e38f, smallest_float = 1.175494351e-38f;  // the latter normal

/// `step` and rounding as `quantize_f8_r` in core/weight_rounding has them, to the bit.
template <EightBit to>
__device__ __forceinline__ std::uint8_t quantized(float x) {
  if constexpr (to == EightBit::e4m3)
    return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3);
  else
    return static_cast<std::uint8_t>(__float2int_rn(fminf(fmaxf(x, -most_of(to)), most_of(to))));
}

template <EightBit from>
__device__ __forceinline__ float value_of(std::uint8_t q) {
  if constexpr (from == EightBit::e4m3)
    return e4m3_value(q);
  else
    return static_cast<float>(static_cast<signed char>(q));
}

/// n bytes at once.
template <int n>
struct alignas(n) Bytes {
  std::uint8_t at[n];
};

}  // namespace detail

/// A block a row: q = x / step, step = largest |x| / 448 or 127. A value that is no finite number makes an infinite
/// step: no product of the row is a finite number then. (n, k), contiguous q, steps (n)
template <EightBit to, Element T>
__global__ void quantize_rows_kernel(MatView<const T> x, bool packed, std::uint8_t* q, float* steps) {
  const Index row = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  const T* in = x.row(row);
  float largest = 0;
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n];
    load_floats<n>(in + j, v);
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float magnitude = fabsf(v[i]);
      largest = fmaxf(largest, magnitude <= detail::largest_float ? magnitude : __uint_as_float(0x7f800000u));
    }
  });
  const float step = fmaxf(reduce_block<Maximum>(largest) / most_of(to), detail::smallest_float), inverse = 1.0f / step;
  std::uint8_t* out = q + row * x.cols;
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n];
    load_floats<n>(in + j, v);
    detail::Bytes<n> bytes;
#pragma unroll
    for (int i = 0; i < n; ++i) bytes.at[i] = detail::quantized<to>(v[i] * inverse);
    *reinterpret_cast<detail::Bytes<n>*>(out + j) = bytes;
  });
  if (thread == 0) steps[row] = step;
}

template <EightBit to, Element T>
void quantize_rows(Queue& queue, MatView<const T> x, std::uint8_t* q, float* steps) {
  const bool packed = packs(x);
  launch(quantize_rows_kernel<to, T>, dim3(static_cast<unsigned>(x.rows)),
         dim3(threads_for(x.cols, packed ? Pack<T>::size : 4)), 0, queue, x, packed, q, steps);
}

/// y = sums * step of its row * step of its column + bias + residual
template <int n, class Sum, Element T>
__global__ void finish_product_kernel(const Sum* sums, const float* row_steps, const float* col_steps,
                                      VecView<const T> bias, MatView<const T> residual, MatView<T> y) {
  on_sheet<n>(y.rows, y.cols, [&](Index i, Index j) {
    const float step = row_steps[i];
    float v[n];
#pragma unroll
    for (int e = 0; e < n; ++e) v[e] = static_cast<float>(sums[i * y.cols + j + e]) * (step * col_steps[j + e]);
    if (bias.data) {
      float b[n];
      load_floats<n>(bias.data + j, b);
#pragma unroll
      for (int e = 0; e < n; ++e) v[e] += b[e];
    }
    if (residual.data) {
      float r[n];
      load_floats<n>(residual.row(i) + j, r);
#pragma unroll
      for (int e = 0; e < n; ++e) v[e] += r[e];
    }
    store_floats<n>(y.row(i) + j, v);
  });
}

/// sums (n, m), contiguous, of products of rows with these steps. bias (m), residual (n, m): or none.
template <class Sum, Element T>
void finish_product(Queue& queue, const Sum* sums, const float* row_steps, const float* col_steps,
                    VecView<const T> bias, MatView<const T> residual, MatView<T> y) {
  if (y.rows == 0) return;
  constexpr int n = Pack<T>::size;
  const bool packed = packs<T>(MatView<const T>(y)) && packs(bias) && (!residual.data || packs(residual));
  const Sheet s(y.rows, y.cols, packed ? n : 1);
  launch(packed ? finish_product_kernel<n, Sum, T> : finish_product_kernel<1, Sum, T>, s.grid, s.block, 0, queue, sums,
         row_steps, col_steps, bias, residual, y);
}

template <EightBit from, Element T>
__global__ void widen_rows_kernel(const std::uint8_t* q, const float* steps, MatView<T> y) {
  on_sheet<1>(y.rows, y.cols,
              [&](Index i, Index j) { y(i, j) = from_float<T>(steps[i] * detail::value_of<from>(q[i * y.cols + j])); });
}

/// y = the values of rows in 8 bits. (rows, cols)
template <EightBit from, Element T>
void widen_rows(Queue& queue, const std::uint8_t* q, const float* steps, MatView<T> y) {
  if (y.rows == 0) return;
  const Sheet s(y.rows, y.cols, 1);
  launch(widen_rows_kernel<from, T>, s.grid, s.block, 0, queue, q, steps, y);
}

}  // namespace nvembed::cuda::kernels
