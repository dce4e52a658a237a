#pragma once

// What stands in cuBLASLt's opaque structs.

#include <cublasLt.h>

#include <cstring>

namespace emulator {

struct Layout {
  std::int32_t type, order = CUBLASLT_ORDER_COL;
  std::uint64_t rows, cols;
  std::int64_t ld;
  std::int32_t batches = 1, unused = 0;
  std::int64_t batch_stride = 0;  // elements

  std::size_t offset(std::size_t batch, std::size_t row, std::size_t col) const {
    const auto leading = static_cast<std::size_t>(ld);
    return batch * static_cast<std::size_t>(batch_stride) +
           (order == CUBLASLT_ORDER_COL ? row + col * leading : row * leading + col);
  }
  bool valid() const {
    const std::uint64_t inner = order == CUBLASLT_ORDER_COL ? rows : cols;
    return rows > 0 && cols > 0 && ld > 0 && static_cast<std::uint64_t>(ld) >= inner && batches > 0;
  }
  std::size_t element_bytes() const {
    if (type == CUDA_R_8I || type == CUDA_R_8F_E4M3) return 1;
    return type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 4;
  }
  std::size_t bytes() const {
    return (offset(static_cast<std::size_t>(batches) - 1, rows - 1, cols - 1) + 1) * element_bytes();
  }
};

struct Matmul {
  std::int32_t compute, scale;
  std::int32_t pointer_mode = CUBLASLT_POINTER_MODE_HOST;
  std::int32_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N, op_c = CUBLAS_OP_N;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  std::int32_t bias_type = -1;  // -1: that of D
  const void* bias = nullptr;
  std::int64_t bias_batch_stride = 0;
  std::int32_t sm_count = 0, unused = 0;
};

struct Preference {
  std::uint64_t max_workspace = 0;
  std::uint32_t search = 0, reductions = CUBLASLT_REDUCTION_SCHEME_MASK, implementations = 0xffffffffu;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // of a, b, c, d
  float max_waves = 0;
};

struct Algo {
  static constexpr std::uint32_t known = 0x454D5500u;
  std::uint32_t tag = known;
  std::uint32_t config[9] = {
      66, CUBLASLT_MATMUL_TILE_128x128, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 0, 0, CUBLASLT_MATMUL_STAGES_32x1, 0,
      0};                                     // by cublasLtMatmulAlgoConfigAttributes_t
  std::uint64_t workspace = 0;                // bytes that it needs
  std::uint16_t alignment[4] = {1, 1, 1, 1};  // that it was promised
};

/// The struct that an opaque one holds.
template <class T, class Opaque>
T get(const Opaque* opaque) {
  static_assert(sizeof(T) <= sizeof(Opaque));
  T value;
  std::memcpy(static_cast<void*>(&value), opaque->data, sizeof value);
  return value;
}
template <class T, class Opaque>
void put(Opaque* opaque, const T& value) {
  static_assert(sizeof(T) <= sizeof(Opaque));
  std::memcpy(opaque->data, &value, sizeof value);
}

/// Checks that descriptors fit one another as the library demands; `k` etc. are the product's sizes.
struct Product {
  Matmul matmul;
  Layout a, b, c, d;
  std::size_t m, n, k, batches;
};
cublasStatus_t make_product(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                            cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, Product& out);

/// D = alpha op(A) op(B) + beta C + bias, in double, one tile of columns after the other: a column's bits depend on
/// that column alone.
void multiply(const Product& p, float alpha, const void* a, const void* b, float beta, const void* c, void* d);

}  // namespace emulator
