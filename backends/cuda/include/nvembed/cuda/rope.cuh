#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/batch_layout.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

/// A block a row: its position is the same for all heads.
template <Element T>
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
  for (int p = static_cast<int>(threadIdx.x); p < pairs; p += static_cast<int>(blockDim.x)) {
    const int head = p / half, j = p % half, first = head * 2 * half + j;
    const float a = to_float(in[first]), b = to_float(in[first + half]);
    out[first] = from_float<T>(a * c[j] - b * s[j]);
    out[first + half] = from_float<T>(b * c[j] + a * s[j]);
  }
}

template <Element T>
void rope(cudaStream_t stream, MatView<const T> x, const BatchLayout& layout, MatView<const float> cos,
          MatView<const float> sin, MatView<T> y) {
  const auto threads = static_cast<unsigned>(std::clamp<Index>((x.cols / 2 + 31) / 32 * 32, 32, 256));
  launch(rope_kernel<T>, dim3(static_cast<unsigned>(x.rows)), dim3(threads), 0, stream, x, layout, cos, sin, y);
}

}  // namespace nvembed::cuda::kernels
