#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/view.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/reduce.cuh>
#include <nvembed/cuda/scalar.cuh>

/// Norms of rows: a block a row, or a warp a head. The row is read again from the cache, not kept in registers.
namespace nvembed::cuda::kernels {

template <Element T>
__global__ void rms_norm_kernel(MatView<const T> x, VecView<const T> w, float eps, MatView<T> y, VecView<float> rstd,
                                bool packed) {
  const Index row = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  const T* in = x.row(row);
  T* out = y.row(row);
  float squares = 0;
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n];
    load_floats<n>(in + j, v);
#pragma unroll
    for (int i = 0; i < n; ++i) squares = fmaf(v[i], v[i], squares);
  });
  const float r = 1.0f / sqrtf(reduce_block<Sum>(squares) / static_cast<float>(x.cols) + eps);
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n], weight[n];
    load_floats<n>(in + j, v);
    load_floats<n>(w.data + j, weight);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] = weight[i] * (v[i] * r);
    store_floats<n>(out + j, v);
  });
  if (rstd.data && thread == 0) rstd[row] = r;
}

template <Element T>
void rms_norm(Queue& queue, MatView<const T> x, VecView<const T> w, float eps, MatView<T> y, VecView<float> rstd) {
  const bool packed = packs(x) && packs<T>(MatView<const T>(y)) && packs(w);
  const unsigned threads = threads_for(x.cols, packed ? Pack<T>::size : 4);
  launch(rms_norm_kernel<T>, dim3(static_cast<unsigned>(x.rows)), dim3(threads), 0, queue, x, w, eps, y, rstd, packed);
}

template <Element T>
__global__ void head_rms_norm_kernel(MatView<const T> x, VecView<const T> w, float eps, MatView<T> y) {
  const Index heads = x.cols / w.size;
  const Index warp = (static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x) / 32;
  if (warp >= x.rows * heads) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const T* in = x.row(warp / heads) + warp % heads * w.size;
  T* out = y.row(warp / heads) + warp % heads * w.size;
  float squares = 0;
  for (Index j = lane; j < w.size; j += 32) squares = fmaf(to_float(in[j]), to_float(in[j]), squares);
  const float r = 1.0f / sqrtf(reduce_warp<Sum>(squares) / static_cast<float>(w.size) + eps);
  for (Index j = lane; j < w.size; j += 32) out[j] = from_float<T>(to_float(w[j]) * (to_float(in[j]) * r));
}

template <Element T>
void head_rms_norm(Queue& queue, MatView<const T> x, VecView<const T> w, float eps, MatView<T> y) {
  constexpr unsigned threads = 256;
  const Index warps = x.rows * (x.cols / w.size);
  launch(head_rms_norm_kernel<T>, dim3(static_cast<unsigned>((warps * 32 + threads - 1) / threads)), dim3(threads), 0,
         queue, x, w, eps, y);
}

template <Element T>
__global__ void layer_norm_kernel(MatView<const T> x, VecView<const T> w, VecView<const T> b, float eps, MatView<T> y,
                                  VecView<float> mean, VecView<float> rstd, bool packed) {
  const Index row = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
  const T* in = x.row(row);
  T* out = y.row(row);
  float sum = 0;
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n];
    load_floats<n>(in + j, v);
#pragma unroll
    for (int i = 0; i < n; ++i) sum += v[i];
  });
  const float m = reduce_block<Sum>(sum) / static_cast<float>(x.cols);
  float squares = 0;
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n];
    load_floats<n>(in + j, v);
#pragma unroll
    for (int i = 0; i < n; ++i) squares = fmaf(v[i] - m, v[i] - m, squares);
  });
  const float r = 1.0f / sqrtf(reduce_block<Sum>(squares) / static_cast<float>(x.cols) + eps);
  each_pack<T>(x.cols, packed, thread, threads, [&]<int n>(Index j) {
    float v[n], weight[n], bias[n];
    load_floats<n>(in + j, v);
    load_floats<n>(w.data + j, weight);
    load_floats<n>(b.data + j, bias);
#pragma unroll
    for (int i = 0; i < n; ++i) v[i] = fmaf((v[i] - m) * r, weight[i], bias[i]);
    store_floats<n>(out + j, v);
  });
  if (thread == 0) {
    if (mean.data) mean[row] = m;
    if (rstd.data) rstd[row] = r;
  }
}

template <Element T>
void layer_norm(Queue& queue, MatView<const T> x, VecView<const T> w, VecView<const T> b, float eps, MatView<T> y,
                VecView<float> mean, VecView<float> rstd) {
  const bool packed = packs(x) && packs<T>(MatView<const T>(y)) && packs(w) && packs(b);
  const unsigned threads = threads_for(x.cols, packed ? Pack<T>::size : 4);
  launch(layer_norm_kernel<T>, dim3(static_cast<unsigned>(x.rows)), dim3(threads), 0, queue, x, w, b, eps, y, mean,
         rstd, packed);
}

template <Element T>
__global__ void l2_normalize_kernel(MatView<const T> x, MatView<T> y, VecView<float> norm) {
  const Index row = blockIdx.x;
  float squares = 0;
  for (Index j = threadIdx.x; j < x.cols; j += blockDim.x)
    squares = fmaf(to_float(x(row, j)), to_float(x(row, j)), squares);
  const float length = sqrtf(reduce_block<Sum>(squares)), divisor = fmaxf(length, 1e-12f);
  for (Index j = threadIdx.x; j < x.cols; j += blockDim.x) y(row, j) = from_float<T>(to_float(x(row, j)) / divisor);
  if (norm.data && threadIdx.x == 0) norm[row] = length;
}

template <Element T>
void l2_normalize(Queue& queue, MatView<const T> x, MatView<T> y, VecView<float> norm) {
  launch(l2_normalize_kernel<T>, dim3(static_cast<unsigned>(x.rows)), dim3(threads_for(x.cols, 8)), 0, queue, x, y,
         norm);
}

}  // namespace nvembed::cuda::kernels
