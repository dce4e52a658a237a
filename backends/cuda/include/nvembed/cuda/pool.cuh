#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/view.hpp>
#include <nvembed/cuda/batch_layout.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

inline constexpr int pool_columns = 32, pool_rows = 8;  // threads of a block

/// A block for 32 columns of a text: eight threads a column take every eighth row each, in double, and join their sums
/// in order.
template <Element T>
__global__ void segment_mean_kernel(MatView<const T> x, BatchLayout layout, bool weighted, MatView<T> y) {
  __shared__ double sums[pool_rows][pool_columns];
  const Segment s = layout.segments[blockIdx.x];
  const Index column = static_cast<Index>(blockIdx.y) * pool_columns + threadIdx.x;
  double sum = 0;
  if (column < x.cols)
    for (Index i = s.pool_begin + threadIdx.y; i < s.size; i += pool_rows)
      sum += (weighted ? static_cast<double>(i + 1) : 1.0) * static_cast<double>(to_float(x(s.begin + i, column)));
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= x.cols) return;
  for (int r = 1; r < pool_rows; ++r) sum += sums[r][threadIdx.x];
  const auto begin = static_cast<double>(s.pool_begin), end = static_cast<double>(s.size);
  const double total = weighted ? (end * (end + 1) - begin * (begin + 1)) / 2 : end - begin;
  y(static_cast<Index>(blockIdx.x), column) = from_float<T>(static_cast<float>(sum / total));
}

template <Element T>
void pool_segments(Queue& queue, MatView<const T> x, const BatchLayout& layout, bool weighted, MatView<T> y) {
  launch(segment_mean_kernel<T>,
         dim3(static_cast<unsigned>(layout.texts), static_cast<unsigned>((x.cols + pool_columns - 1) / pool_columns)),
         dim3(pool_columns, pool_rows), 0, queue, x, layout, weighted, y);
}

/// y[i] = mean of the rows [pool_begin, size) of text i.
template <Element T>
void segment_mean(Queue& queue, MatView<const T> x, const BatchLayout& layout, MatView<T> y) {
  pool_segments(queue, x, layout, false, y);
}
/// The same rows; the token at position i of its text has the weight i + 1.
template <Element T>
void segment_weighted_mean(Queue& queue, MatView<const T> x, const BatchLayout& layout, MatView<T> y) {
  pool_segments(queue, x, layout, true, y);
}

}  // namespace nvembed::cuda::kernels
