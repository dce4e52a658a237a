#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/decode.cuh>
#include <nvembed/cuda/elementwise.cuh>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

/// A thread decodes n neighbouring elements, which lie in one block.
template <int n, Element T>
__global__ void dequantize_kernel(DType type, const std::byte* bytes, Index stored, int block, int block_bytes,
                                  MatView<T> y) {
  on_sheet<n>(y.rows, y.cols, [&](Index i, Index j) {
    const std::byte* p = bytes + i * stored + (block == 1 ? j * block_bytes : j / block * block_bytes);
    const int first = block == 1 ? 0 : static_cast<int>(j % block);
    float v[n];
#pragma unroll
    for (int e = 0; e < n; ++e) v[e] = decode(type, p, first + e);
    store_floats<n>(y.row(i) + j, v);
  });
}

/// y = the rows at `bytes`, which lie one behind the other. (rows, cols)
template <Element T>
void dequantize(Queue& queue, DType type, const std::byte* bytes, Index rows, Index cols, MatView<T> y) {
  if (rows == 0) return;
  constexpr int n = Pack<T>::size;
  const bool packed = packs<T>(MatView<const T>(y));
  const Sheet s(rows, cols, packed ? n : 1);
  launch(packed ? dequantize_kernel<n, T> : dequantize_kernel<1, T>, s.grid, s.block, 0, queue, type, bytes,
         row_bytes(type, cols), static_cast<int>(info(type).block), static_cast<int>(info(type).bytes), y);
}

}  // namespace nvembed::cuda::kernels
