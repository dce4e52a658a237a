#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <tuple>
#include <vector>

namespace nvembed::cuda {

class Lane;

/// y = alpha op(a) op(b) + residual + bias, row-major, on a lane. `op(a)` is (n, k), `op(b)` (k, m). y, bias and
/// residual are of one type, and a and b of the same, but for sums of 8-bit products: E4M3 in and f32 out, or int8 in
/// and int32 out, with a as it is, b transposed, and nothing added.
struct ProductArgs {
  cudaDataType_t type = CUDA_R_32F;
  float alpha = 1;
  Index n = 0, m = 0, k = 0;
  const void* a = nullptr;
  Index a_stride = 0;
  const void* b = nullptr;
  Index b_stride = 0;
  const void* bias = nullptr;      // (m) or none
  const void* residual = nullptr;  // (n, m) or none
  Index residual_stride = 0;
  void* y = nullptr;
  Index y_stride = 0;
  cudaDataType_t input_type = CUDA_R_32F;
  std::int16_t transpose_a = 0, transpose_b = 0;  // not bool: no byte of it may be left to chance
};

/// Matrix products by cuBLASLt, accumulated in f32. The algorithm for a shape is looked for once and kept. None that
/// splits the inner sum is taken, and rows are counted in powers of two, so that a row's bits do not hang on how many
/// rows there are beyond that (docs/backends/cuda.md tells what was seen on devices).
class Products {
 public:
  NVEMBED_INLINE explicit Products(bool tf32);
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;
  NVEMBED_INLINE ~Products();

  /// Asks for the product. Throws DeviceError.
  NVEMBED_INLINE void run(Lane& lane, const ProductArgs& args) const;
  /// Whether cuBLASLt has a product of these types, sizes and strides here, for pointers aligned to 256 bytes.
  NVEMBED_INLINE bool has(const ProductArgs& args) const;

 private:
  struct Call {
    const Products* products;
    void* workspace;
    ProductArgs args;
  };
  NVEMBED_INLINE void enqueue(cudaStream_t stream, void* workspace, const ProductArgs& args) const;

  // Type, m, k, n, transpositions and extras, alignment: what an algorithm may depend on.
  using Key = std::tuple<int, Index, Index, Index, int, int>;

  // Also because nvcc 13.0 breaks down over a vector of cuBLASLt's own struct, which has no name.
  struct Algorithm {
    cublasLtMatmulAlgo_t algorithm{};
    std::size_t workspace_bytes = 0;
  };

  NVEMBED_INLINE Algorithm choose(cublasLtMatmulDesc_t product, const ProductArgs& args) const;
  NVEMBED_INLINE std::vector<Algorithm> ask(cublasLtMatmulDesc_t product, const ProductArgs& args, Index n) const;
  NVEMBED_INLINE const std::vector<Algorithm>& candidates(cublasLtMatmulDesc_t product, const ProductArgs& args) const;
  NVEMBED_INLINE static Key key_of(const ProductArgs& args, Index n);

  cublasLtHandle_t handle_ = nullptr;
  bool tf32_ = false;
  mutable std::mutex mutex_;
  mutable std::map<Key, Algorithm> chosen_;
  mutable std::map<Key, std::vector<Algorithm>> asked_;  // by n rounded up
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/products.inl>
#endif
