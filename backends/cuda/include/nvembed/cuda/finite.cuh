#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <nvembed/core/shape.hpp>
#include <nvembed/cuda/element.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

template <Element T>
__global__ void find_not_finite_kernel(const T* x, Index n, int* found) {
  bool bad = false;
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < n;
       i += static_cast<Index>(gridDim.x) * blockDim.x)
    bad |= !(fabsf(to_float(x[i])) <= 3.4e38f);
  if (bad) atomicExch(found, 1);
}

/// Sets `*found` (device) to 1 where some x is infinite or no number; leaves it alone otherwise.
template <Element T>
void find_not_finite(Queue& queue, const T* x, Index n, int* found) {
  constexpr unsigned threads = 256;
  const auto blocks = static_cast<unsigned>(std::min<Index>((n + threads - 1) / threads, 4096));
  launch(find_not_finite_kernel<T>, dim3(blocks), dim3(threads), 0, queue, x, n, found);
}

}  // namespace nvembed::cuda::kernels
