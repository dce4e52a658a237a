#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/view.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/reduce.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

/// A warp for each group of columns of each row.
template <Element T>
__global__ void softmax_kernel(MatView<const T> x, Index group, float scale, MatView<T> y) {
  const Index groups = x.cols / group;
  const Index warp = (static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x) / 32;
  if (warp >= x.rows * groups) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const T* in = x.row(warp / groups) + warp % groups * group;
  T* out = y.row(warp / groups) + warp % groups * group;
  float top = Maximum::none();
  for (Index j = lane; j < group; j += 32) top = fmaxf(top, to_float(in[j]) * scale);
  top = reduce_warp<Maximum>(top);
  float sum = 0;
  for (Index j = lane; j < group; j += 32) sum += expf(to_float(in[j]) * scale - top);
  const float inverse = 1.0f / reduce_warp<Sum>(sum);
  for (Index j = lane; j < group; j += 32) out[j] = from_float<T>(expf(to_float(in[j]) * scale - top) * inverse);
}

template <Element T>
void softmax(Queue& queue, MatView<const T> x, Index group, float scale, MatView<T> y) {
  constexpr unsigned threads = 256;
  const Index warps = x.rows * (x.cols / group);
  launch(softmax_kernel<T>, dim3(static_cast<unsigned>((warps * 32 + threads - 1) / threads)), dim3(threads), 0, queue,
         x, group, scale, y);
}

}  // namespace nvembed::cuda::kernels
