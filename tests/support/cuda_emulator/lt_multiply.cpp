// cuBLASLt's products, by Eigen.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "lt_types.hpp"

namespace emulator {
namespace {

constexpr Eigen::Index tile = 16;

/// TF32 keeps 10 bits of the mantissa.
float to_tf32(float f) {
  const auto bits = std::bit_cast<std::uint32_t>(f);
  return (bits & 0x7F800000u) == 0x7F800000u ? f : std::bit_cast<float>((bits + 0x1000u) & ~0x1FFFu);
}

float e4m3(unsigned bits) {
  const unsigned exponent = bits >> 3 & 15, mantissa = bits & 7;
  if ((bits & 0x7Fu) == 0x7Fu) return std::numeric_limits<float>::quiet_NaN();
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                        : std::ldexp(static_cast<float>(8 + mantissa), static_cast<int>(exponent) - 10);
  return bits & 0x80u ? -magnitude : magnitude;
}

float load(const void* p, std::int32_t type, std::size_t i) {
  if (type == CUDA_R_16F) return __half2float(static_cast<const __half*>(p)[i]);
  if (type == CUDA_R_16BF) return __bfloat162float(static_cast<const __nv_bfloat16*>(p)[i]);
  if (type == CUDA_R_8I) return static_cast<const std::int8_t*>(p)[i];
  if (type == CUDA_R_32I) return static_cast<float>(static_cast<const std::int32_t*>(p)[i]);
  if (type == CUDA_R_8F_E4M3) return e4m3(static_cast<const std::uint8_t*>(p)[i]);
  return static_cast<const float*>(p)[i];
}

void store(void* p, std::int32_t type, std::size_t i, float value) {
  if (type == CUDA_R_16F)
    static_cast<__half*>(p)[i] = __float2half_rn(value);
  else if (type == CUDA_R_16BF)
    static_cast<__nv_bfloat16*>(p)[i] = __float2bfloat16_rn(value);
  else
    static_cast<float*>(p)[i] = value;
}

/// Columns [first, first + count) of op(X), (rows, columns); columns that are not there are 0.
Eigen::MatrixXd columns_of(const void* x, const Layout& layout, bool transposed, bool tf32, std::size_t batch,
                           Eigen::Index first, Eigen::Index columns) {
  const auto rows = static_cast<Eigen::Index>(transposed ? layout.cols : layout.rows);
  const auto all = static_cast<Eigen::Index>(transposed ? layout.rows : layout.cols);
  Eigen::MatrixXd out = Eigen::MatrixXd::Zero(rows, columns);
  for (Eigen::Index j = 0; j < std::min(columns, all - first); ++j)
    for (Eigen::Index i = 0; i < rows; ++i) {
      const auto row = static_cast<std::size_t>(transposed ? first + j : i);
      const auto col = static_cast<std::size_t>(transposed ? i : first + j);
      const float value = load(x, layout.type, layout.offset(batch, row, col));
      out(i, j) = tf32 ? to_tf32(value) : value;
    }
  return out;
}

}  // namespace

void multiply(const Product& p, float alpha, const void* a, const void* b, float beta, const void* c, void* d) {
  const bool tf32 = p.matmul.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && p.a.type == CUDA_R_32F;
  const bool bias = p.matmul.epilogue == CUBLASLT_EPILOGUE_BIAS;
  const auto m = static_cast<Eigen::Index>(p.m), n = static_cast<Eigen::Index>(p.n), k = static_cast<Eigen::Index>(p.k);
  Eigen::MatrixXd op_a;
  Eigen::MatrixXd product(m, tile);
  for (std::size_t batch = 0; batch < p.batches; ++batch) {
    if (batch == 0 || p.a.batch_stride != 0) op_a = columns_of(a, p.a, p.matmul.op_a != CUBLAS_OP_N, tf32, batch, 0, k);
    for (Eigen::Index first = 0; first < n; first += tile) {
      product.noalias() = op_a * columns_of(b, p.b, p.matmul.op_b != CUBLAS_OP_N, tf32, batch, first, tile);
      for (Eigen::Index j = 0; j < std::min(tile, n - first); ++j)
        for (Eigen::Index i = 0; i < m; ++i) {
          const auto row = static_cast<std::size_t>(i), col = static_cast<std::size_t>(first + j);
          if (p.d.type == CUDA_R_32I) {  // exact in double, not in float
            static_cast<std::int32_t*>(d)[p.d.offset(batch, row, col)] =
                static_cast<std::int32_t>(alpha * product(i, j));
            continue;
          }
          float value = alpha * static_cast<float>(product(i, j));
          if (beta != 0) value += beta * load(c, p.c.type, p.c.offset(batch, row, col));
          if (bias)
            value += load(p.matmul.bias, p.d.type, batch * static_cast<std::size_t>(p.matmul.bias_batch_stride) + row);
          store(d, p.d.type, p.d.offset(batch, row, col), value);
        }
    }
  }
}

}  // namespace emulator
