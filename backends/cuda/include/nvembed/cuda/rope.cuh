#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/batch_layout.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

/// A block a row: its position is the same for all heads. A thread turns n neighbouring pairs.
template <int n, Element T>
__global__ void rope_kernel(MatView<const T> x, BatchLayout layout, MatView<const float> cos, MatView<const float> sin,
                            MatView<T> y) {
  const Index row = blockIdx.x;
  const int segment = layout.row_segment[row];
  if (segment < 0) return;
  const Index position = row - layout.segments[segment].begin;
  const int half = static_cast<int>(cos.cols), pairs = static_cast<int>(x.cols / 2);
  const float *c = cos.row(position), *s = sin.row(position);
  const T* in = x.row(row);
  T* out = y.row(row);
  for (int p = static_cast<int>(threadIdx.x) * n; p < pairs; p += static_cast<int>(blockDim.x) * n) {
    const int j = p % half, first = p / half * 2 * half + j;
    float a[n], b[n], left[n], right[n];
    load_floats<n>(in + first, a);
    load_floats<n>(in + first + half, b);
#pragma unroll
    for (int e = 0; e < n; ++e) {
      left[e] = a[e] * c[j + e] - b[e] * s[j + e];
      right[e] = b[e] * c[j + e] + a[e] * s[j + e];
    }
    store_floats<n>(out + first, left);
    store_floats<n>(out + first + half, right);
  }
}

template <Element T>
void rope(Queue& queue, MatView<const T> x, const BatchLayout& layout, MatView<const float> cos,
          MatView<const float> sin, MatView<T> y) {
  constexpr int n = Pack<T>::size;
  const bool packed = cos.cols % n == 0 && packs(x) && packs<T>(MatView<const T>(y));
  const Index units = x.cols / 2 / (packed ? n : 1);
  const auto threads = static_cast<unsigned>(std::clamp<Index>((units + 31) / 32 * 32, 32, 256));
  launch(packed ? rope_kernel<n, T> : rope_kernel<1, T>, dim3(static_cast<unsigned>(x.rows)), dim3(threads), 0, queue,
         x, layout, cos, sin, y);
}

}  // namespace nvembed::cuda::kernels
