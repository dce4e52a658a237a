// cuBLASLt on the emulated device: products in double, a fixed number of columns at a time, so that a column's bits do
// not hang on how many there are.
#include <cublasLt.h>

#include <Eigen/Core>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>

#include "emulator.hpp"
#include "internal.hpp"

struct cublasLtContext {};
struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};
struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType type;
  Eigen::Index rows, cols, stride;
};
struct cublasLtMatmulPreferenceOpaque_t {};

namespace {

using Matrix = Eigen::MatrixXd;

double element(const void* p, cudaDataType type, Eigen::Index i) {
  if (type == CUDA_R_32F) return static_cast<const float*>(p)[i];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(p)[i];
  return type == CUDA_R_16F ? static_cast<float>(nvembed::Float16::from_bits(bits))
                            : static_cast<float>(nvembed::BFloat16::from_bits(bits));
}
void store(void* p, cudaDataType type, Eigen::Index i, double value) {
  const auto x = static_cast<float>(value);
  if (type == CUDA_R_32F)
    static_cast<float*>(p)[i] = x;
  else
    static_cast<std::uint16_t*>(p)[i] = type == CUDA_R_16F ? nvembed::Float16(x).bits : nvembed::BFloat16(x).bits;
}
/// Rounded to ten bits of mantissa.
double tf32(double x) {
  const unsigned u = __float_as_uint(static_cast<float>(x));
  return __uint_as_float((u + 0xfffu + (u >> 13 & 1u)) & ~0x1fffu);
}

/// op(m), columns [first, first + count) of it, filled up with zeros to `width`.
Matrix load(const void* p, const cublasLtMatrixLayoutOpaque_t& l, cublasOperation_t op, Eigen::Index first,
            Eigen::Index count, Eigen::Index width, bool rounded) {
  const Eigen::Index rows = op == CUBLAS_OP_N ? l.rows : l.cols;
  Matrix m = Matrix::Zero(rows, width);
  for (Eigen::Index j = 0; j < count; ++j)
    for (Eigen::Index i = 0; i < rows; ++i) {
      const double x = element(p, l.type, op == CUBLAS_OP_N ? i + (first + j) * l.stride : first + j + i * l.stride);
      m(i, j) = rounded ? tf32(x) : x;
    }
  return m;
}

}  // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasLtGetStatusName(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS         ? "CUBLAS_STATUS_SUCCESS"
         : status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE"
         : status == CUBLAS_STATUS_NOT_SUPPORTED ? "CUBLAS_STATUS_NOT_SUPPORTED"
                                                 : "CUBLAS_STATUS_EXECUTION_FAILED";
}
const char* cublasLtGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS         ? "success"
         : status == CUBLAS_STATUS_INVALID_VALUE ? "an argument is not valid"
         : status == CUBLAS_STATUS_NOT_SUPPORTED ? "not supported"
                                                 : "the device failed";
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* desc, cublasComputeType_t compute, cudaDataType_t scale) {
  if (scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  *desc = new cublasLtMatmulDescOpaque_t{compute};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) {
  delete desc;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  const auto set = [&](auto& member) {
    if (bytes != sizeof member) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&member, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(desc->transpose_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(desc->transpose_b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(desc->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(desc->bias);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type, std::uint64_t rows,
                                          std::uint64_t cols, std::int64_t stride) {
  if (stride < static_cast<std::int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
  *layout = new cublasLtMatrixLayoutOpaque_t{type, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols),
                                             static_cast<Eigen::Index>(stride)};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new cublasLtMatmulPreferenceOpaque_t;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t,
                                                    const void*, std::size_t) {
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t, int asked,
                                              cublasLtMatmulHeuristicResult_t* results, int* found) {
  *found = asked > 0 ? 1 : 0;
  if (asked > 0) results[0] = {};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                       const cublasLtMatmulAlgo_t* algo, cublasLtMatmulHeuristicResult_t* result) {
  *result = {};
  result->algo = *algo;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t*, cublasLtMatmulAlgoConfigAttributes_t,
                                                    void* value, std::size_t, std::size_t*) {
  *static_cast<std::int32_t*>(value) = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t*, void*, std::size_t,
                              cudaStream_t stream) {
  const auto m = desc->transpose_a == CUBLAS_OP_N ? a_layout->rows : a_layout->cols;
  const auto k = desc->transpose_a == CUBLAS_OP_N ? a_layout->cols : a_layout->rows;
  const auto n = desc->transpose_b == CUBLAS_OP_N ? b_layout->cols : b_layout->rows;
  const auto inner = desc->transpose_b == CUBLAS_OP_N ? b_layout->rows : b_layout->cols;
  if (inner != k || d_layout->rows != m || d_layout->cols != n || c_layout->rows != m || c_layout->cols != n)
    return CUBLAS_STATUS_INVALID_VALUE;
  const double by = *static_cast<const float*>(alpha), plus = *static_cast<const float*>(beta);
  const auto work = [=, product = *desc, la = *a_layout, lb = *b_layout, lc = *c_layout, ld = *d_layout] {
    const bool rounded = product.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
    const auto opposite = product.transpose_a == CUBLAS_OP_N ? CUBLAS_OP_T : CUBLAS_OP_N;
    const Matrix left = load(a, la, opposite, 0, m, m, rounded).transpose();  // read row by row
    constexpr Eigen::Index width = 8;
    for (Eigen::Index first = 0; first < n; first += width) {
      const Eigen::Index count = std::min(width, n - first);
      const Matrix y = left * load(b, lb, product.transpose_b, first, count, width, rounded);
      for (Eigen::Index j = 0; j < count; ++j)
        for (Eigen::Index i = 0; i < m; ++i) {
          double value = by * y(i, j);
          if (plus != 0) value += plus * element(c, lc.type, i + (first + j) * lc.stride);
          if (product.epilogue == CUBLASLT_EPILOGUE_BIAS) value += element(product.bias, ld.type, i);
          store(d, ld.type, i + (first + j) * ld.stride, value);
        }
    }
  };
  ++emulator::statistics().launches;
  return emulator::enqueue(stream, work) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
