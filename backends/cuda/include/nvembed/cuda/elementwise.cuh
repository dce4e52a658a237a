#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

/// Blocks of 256 threads for a matrix whose threads take `n` neighbouring elements of a row each: (columns, rows).
struct Sheet {
  dim3 grid, block;
  Sheet(Index rows, Index cols, int n) : block(256) {
    const Index units = (cols + n - 1) / n;
    unsigned x = 32;
    while (x < 256 && static_cast<Index>(x) < units) x *= 2;
    block = dim3(x, 256 / x);
    constexpr Index most = 65535;  // of blocks in y; the kernel strides over the rest
    grid = dim3(static_cast<unsigned>((units + x - 1) / x),
                static_cast<unsigned>(std::min<Index>((rows + block.y - 1) / block.y, most)));
  }
};

/// f(row, first column) for this thread's elements.
template <int n, class F>
__device__ __forceinline__ void on_sheet(Index rows, Index cols, F&& f) {
  const Index j = (static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x) * n;
  if (j >= cols) return;
  for (Index i = static_cast<Index>(blockIdx.y) * blockDim.y + threadIdx.y; i < rows;
       i += static_cast<Index>(gridDim.y) * blockDim.y)
    f(i, j);
}

__device__ __forceinline__ float gate_value(Gate gate, float first, float second) {
  if (gate == Gate::swiglu) return first / (1.0f + expf(-first)) * second;
  return first * (second * (0.5f * (1.0f + erff(second * 0.70710678118654752440f))));
}

template <int n, Element T>
__global__ void gated_kernel(MatView<const T> x, VecView<const T> bias, Gate gate, MatView<T> y) {
  on_sheet<n>(y.rows, y.cols, [&](Index i, Index j) {
    float first[n], second[n];
    load_floats<n>(x.row(i) + j, first);
    load_floats<n>(x.row(i) + y.cols + j, second);
    if (bias.data) {
      float a[n], b[n];
      load_floats<n>(bias.data + j, a);
      load_floats<n>(bias.data + y.cols + j, b);
#pragma unroll
      for (int e = 0; e < n; ++e) first[e] += a[e], second[e] += b[e];
    }
#pragma unroll
    for (int e = 0; e < n; ++e) first[e] = gate_value(gate, first[e], second[e]);
    store_floats<n>(y.row(i) + j, first);
  });
}

/// x (n, 2m), bias (2m) or none -> y (n, m)
template <Element T>
void gated(Queue& queue, MatView<const T> x, VecView<const T> bias, Gate gate, MatView<T> y) {
  if (y.rows == 0) return;
  constexpr int n = Pack<T>::size;
  const bool packed =
      packs<T>(MatView<const T>(y)) && packs(MatView<const T>{x.data, x.rows, y.cols, x.stride}) && packs(bias);
  const Sheet s(y.rows, y.cols, packed ? n : 1);
  launch(packed ? gated_kernel<n, T> : gated_kernel<1, T>, s.grid, s.block, 0, queue, x, bias, gate, y);
}

template <int n, Element T>
__global__ void add_kernel(MatView<const T> a, MatView<const T> b, MatView<T> y) {
  on_sheet<n>(y.rows, y.cols, [&](Index i, Index j) {
    float x[n], z[n];
    load_floats<n>(a.row(i) + j, x);
    load_floats<n>(b.row(i) + j, z);
#pragma unroll
    for (int e = 0; e < n; ++e) x[e] += z[e];
    store_floats<n>(y.row(i) + j, x);
  });
}

template <Element T>
void add(Queue& queue, MatView<const T> a, MatView<const T> b, MatView<T> y) {
  if (y.rows == 0) return;
  constexpr int n = Pack<T>::size;
  const bool packed = packs(a) && packs(b) && packs<T>(MatView<const T>(y));
  const Sheet s(y.rows, y.cols, packed ? n : 1);
  launch(packed ? add_kernel<n, T> : add_kernel<1, T>, s.grid, s.block, 0, queue, a, b, y);
}

template <Element From, Element To>
__global__ void cast_kernel(MatView<const From> x, MatView<To> y) {
  on_sheet<1>(y.rows, y.cols, [&](Index i, Index j) { y(i, j) = from_float<To>(to_float(x(i, j))); });
}

template <Element From, Element To>
void cast(Queue& queue, MatView<const From> x, MatView<To> y) {
  if (y.rows == 0) return;
  const Sheet s(y.rows, y.cols, 1);
  launch(cast_kernel<From, To>, s.grid, s.block, 0, queue, x, y);
}

}  // namespace nvembed::cuda::kernels
