#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cuda/decode.cuh>
#include <nvembed/cuda/elementwise.cuh>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/scalar.cuh>

namespace nvembed::cuda::kernels {

template <int n, Element T>
__global__ void gather_rows_kernel(MatView<const T> x, const Index* rows, MatView<T> y) {
  on_sheet<n>(y.rows, y.cols, [&](Index i, Index j) {
    float v[n];  // 16-bit values survive the way through float
    load_floats<n>(x.row(rows[i]) + j, v);
    store_floats<n>(y.row(i) + j, v);
  });
}

/// y_i = x[rows_i]; `rows` lies on the device.
template <Element T>
void gather_rows(Queue& queue, MatView<const T> x, const Index* rows, MatView<T> y) {
  if (y.rows == 0) return;
  constexpr int n = Pack<T>::size;
  const bool packed = packs(x) && packs<T>(MatView<const T>(y));
  const Sheet s(y.rows, y.cols, packed ? n : 1);
  launch(packed ? gather_rows_kernel<n, T> : gather_rows_kernel<1, T>, s.grid, s.block, 0, queue, x, rows, y);
}

template <Element T>
__global__ void embedding_kernel(const std::int32_t* ids, const std::byte* table, DType type, Index stored, int block,
                                 int block_bytes, MatView<T> y) {
  on_sheet<1>(y.rows, y.cols, [&](Index i, Index j) {
    const std::byte* p = table + ids[i] * stored + j / block * block_bytes;
    y(i, j) = from_float<T>(decode(type, p, static_cast<int>(j % block)));
  });
}

/// y_i = table[ids_i], a table of `cols` columns held as `type`; all pointers are the device's.
template <Element T>
void embedding(Queue& queue, const std::int32_t* ids, const std::byte* table, DType type, Index cols, MatView<T> y) {
  if (y.rows == 0) return;
  const Sheet s(y.rows, y.cols, 1);
  launch(embedding_kernel<T>, s.grid, s.block, 0, queue, ids, table, type, row_bytes(type, cols),
         static_cast<int>(info(type).block), static_cast<int>(info(type).bytes), y);
}

}  // namespace nvembed::cuda::kernels
