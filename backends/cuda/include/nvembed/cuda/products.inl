#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <nvembed/cuda/lane.hpp>
#include <nvembed/cuda/lane_state.hpp>
#include <nvembed/cuda/products.hpp>
#include <nvembed/cuda/queue.hpp>
#include <utility>

namespace nvembed::cuda {
namespace detail {

inline void check_blas(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) [[unlikely]]
    fail<DeviceError>("cuda", what, ": ", cublasLtGetStatusString(status), " (", cublasLtGetStatusName(status), ")");
}

/// cuBLASLt's descriptions, which must be given back.
class Description {
 public:
  Description(const ProductArgs& args, bool tf32)
      : Description(args.input_type == CUDA_R_8I            ? CUBLAS_COMPUTE_32I
                    : tf32 && args.input_type == CUDA_R_32F ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                            : CUBLAS_COMPUTE_32F,
                    args.input_type == CUDA_R_8I ? CUDA_R_32I : CUDA_R_32F) {
    set(CUBLASLT_MATMUL_DESC_TRANSA, args.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB, args.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (args.bias) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, args.bias);
    }
  }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;
  ~Description() { cublasLtMatmulDescDestroy(product_); }
  operator cublasLtMatmulDesc_t() const { return product_; }

 private:
  Description(cublasComputeType_t compute, cudaDataType_t scale) {
    check_blas(cublasLtMatmulDescCreate(&product_, compute, scale), "description of a product");
  }
  template <class V>
  void set(cublasLtMatmulDescAttributes_t attribute, const V& value) {
    check_blas(cublasLtMatmulDescSetAttribute(product_, attribute, &value, sizeof value), "description of a product");
  }

  cublasLtMatmulDesc_t product_ = nullptr;
};

/// A matrix as cuBLAS sees it, column-major.
class Layout {
 public:
  Layout(cudaDataType_t type, Index rows, Index cols, Index stride) {
    check_blas(cublasLtMatrixLayoutCreate(&layout_, type, static_cast<std::uint64_t>(rows),
                                          static_cast<std::uint64_t>(cols), stride),
               "layout of a matrix");
  }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  ~Layout() { cublasLtMatrixLayoutDestroy(layout_); }
  operator cublasLtMatrixLayout_t() const { return layout_; }

 private:
  cublasLtMatrixLayout_t layout_ = nullptr;
};

class Preference {
 public:
  Preference() { check_blas(cublasLtMatmulPreferenceCreate(&preference_), "preference of a product"); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;
  ~Preference() { cublasLtMatmulPreferenceDestroy(preference_); }
  template <class V>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const V& value) {
    check_blas(cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof value),
               "preference of a product");
  }
  operator cublasLtMatmulPreference_t() const { return preference_; }

 private:
  cublasLtMatmulPreference_t preference_ = nullptr;
};

/// A row-major matrix is its own transpose, column-major: y^T = op(b)^T op(a)^T, so that b is cuBLAS's A. For `n` rows.
struct Layouts {
  Layout a, b, c, y;
  Layouts(const ProductArgs& args, Index n)
      : a(args.input_type, args.transpose_b ? args.k : args.m, args.transpose_b ? args.m : args.k, args.b_stride),
        b(args.input_type, args.transpose_a ? n : args.k, args.transpose_a ? args.k : n, args.a_stride),
        c(args.type, args.m, n, args.residual ? args.residual_stride : args.y_stride),
        y(args.type, args.m, n, args.y_stride) {}
};

inline Index bytes_of(cudaDataType_t type) {
  if (type == CUDA_R_8I || type == CUDA_R_8F_E4M3) return 1;
  return type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 4;
}
inline const char* name_of(cudaDataType_t type) {
  switch (type) {
    case CUDA_R_16F:
      return "f16";
    case CUDA_R_16BF:
      return "bf16";
    case CUDA_R_8F_E4M3:
      return "fp8";
    case CUDA_R_8I:
      return "int8";
    default:
      return "f32";
  }
}

/// The largest power of two, up to 256, that divides all addresses and row distances in bytes.
inline int alignment(const ProductArgs& args) {
  const Index in = bytes_of(args.input_type), out = bytes_of(args.type);
  std::uintptr_t all = 256;
  for (const void* p : {args.a, args.b, args.residual, static_cast<const void*>(args.y), args.bias})
    all |= reinterpret_cast<std::uintptr_t>(p);
  for (const Index bytes : {args.a_stride * in, args.b_stride * in, args.residual_stride * out, args.y_stride * out})
    all |= static_cast<std::uintptr_t>(bytes);
  return static_cast<int>(all & ~(all - 1));
}

/// The number of rows for which an algorithm is chosen. In f32, algorithms add in orders of their own: one serves all
/// numbers of rows. Those for tensor cores do not, so that the next power of two decides.
inline Index reference_rows(const ProductArgs& args) {
  constexpr Index many = 4096;
  if (args.input_type == CUDA_R_32F) return many;
  return std::clamp<Index>(static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(args.n))), 16, 16384);
}

}  // namespace detail

NVEMBED_INLINE Products::Products(bool tf32) : tf32_(tf32) { detail::check_blas(cublasLtCreate(&handle_), "cuBLASLt"); }
NVEMBED_INLINE Products::~Products() { cublasLtDestroy(handle_); }

NVEMBED_INLINE void Products::run(Lane& lane, const ProductArgs& args) const {
  static_assert(sizeof(Call) == 12 * sizeof(Index) + 4 * sizeof(std::int32_t) + 2 * sizeof(void*),
                "calls are compared byte by byte");
  if (args.n == 0 || args.m == 0) return;
  alignas(16) std::array<std::byte, sizeof(Call)> bytes{};
  const Call call{this, lane.workspace(), args};
  std::memcpy(bytes.data(), &call, sizeof call);
  lane.queue().push(
      [](cudaStream_t stream, const std::byte* arguments) {
        Call c;
        std::memcpy(&c, arguments, sizeof c);
        c.products->enqueue(stream, c.workspace, c.args);
      },
      bytes, true);
}

NVEMBED_INLINE bool Products::has(const ProductArgs& args) const {
  const detail::Description product(args, tf32_);
  std::lock_guard lock(mutex_);
  return !candidates(product, args).empty();
}

NVEMBED_INLINE void Products::enqueue(cudaStream_t stream, void* workspace, const ProductArgs& args) const {
  const detail::Description product(args, tf32_);
  const Algorithm chosen = choose(product, args);
  const detail::Layouts layouts(args, args.n);
  const float beta = args.residual ? 1.0f : 0.0f;
  const std::int32_t one = 1, zero = 0;
  const bool whole = args.input_type == CUDA_R_8I;
  detail::check_blas(
      cublasLtMatmul(handle_, product, whole ? static_cast<const void*>(&one) : &args.alpha, args.b, layouts.a, args.a,
                     layouts.b, whole ? static_cast<const void*>(&zero) : &beta, args.residual ? args.residual : args.y,
                     layouts.c, args.y, layouts.y, &chosen.algorithm, chosen.workspace_bytes ? workspace : nullptr,
                     chosen.workspace_bytes, stream),
      "product");
}

NVEMBED_INLINE Products::Algorithm Products::choose(cublasLtMatmulDesc_t product, const ProductArgs& args) const {
  const Key key = key_of(args, args.n);
  std::lock_guard lock(mutex_);
  if (const auto known = chosen_.find(key); known != chosen_.end()) return known->second;

  const detail::Layouts layouts(args, args.n);
  // The first of them that can do it for this number of rows.
  const auto first_fit = [&](const std::vector<Algorithm>& algorithms) -> const Algorithm* {
    for (const Algorithm& a : algorithms) {
      cublasLtMatmulHeuristicResult_t result{};
      if (cublasLtMatmulAlgoCheck(handle_, product, layouts.a, layouts.b, layouts.c, layouts.y, &a.algorithm,
                                  &result) == CUBLAS_STATUS_SUCCESS &&
          result.workspaceSize <= LaneState::workspace_bytes)
        return &chosen_.emplace(key, Algorithm{a.algorithm, result.workspaceSize}).first->second;
    }
    return nullptr;
  };
  constexpr std::size_t most = 4096;  // shapes that are kept in mind
  if (chosen_.size() >= most) chosen_.clear();
  if (const Algorithm* a = first_fit(candidates(product, args))) return *a;
  // What serves many rows may not serve these few.
  if (const Algorithm* a = first_fit(ask(product, args, args.n))) return *a;
  fail<DeviceError>("cuda", "cuBLASLt knows no way to multiply (", args.n, ", ", args.k, ") by (", args.k, ", ", args.m,
                    ") in ", detail::name_of(args.input_type));
}

NVEMBED_INLINE Products::Key Products::key_of(const ProductArgs& args, Index n) {
  const int flags =
      (args.transpose_a ? 1 : 0) + (args.transpose_b ? 2 : 0) + (args.bias ? 4 : 0) + (args.residual ? 8 : 0);
  return {static_cast<int>(args.input_type), args.m, args.k, n, flags, detail::alignment(args)};
}

/// Those for the number of rows that stands for that of `args`; under the mutex.
NVEMBED_INLINE const std::vector<Products::Algorithm>& Products::candidates(cublasLtMatmulDesc_t product,
                                                                            const ProductArgs& args) const {
  const Index n = detail::reference_rows(args);
  const auto [at, unknown] = asked_.try_emplace(key_of(args, n));
  if (unknown) at->second = ask(product, args, n);
  return at->second;
}

/// Algorithms for `n` rows that do not cut the inner sum, those that cuBLAS takes for the fastest first.
NVEMBED_INLINE std::vector<Products::Algorithm> Products::ask(cublasLtMatmulDesc_t product, const ProductArgs& args,
                                                              Index n) const {
  const detail::Layouts layouts(args, n);
  detail::Preference preference;
  preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, LaneState::workspace_bytes);
  preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                 static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
  for (const auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                               CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    preference.set(attribute, static_cast<std::uint32_t>(detail::alignment(args)));
  std::array<cublasLtMatmulHeuristicResult_t, 8> results{};
  int count = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(handle_, product, layouts.a, layouts.b, layouts.c, layouts.y, preference,
                                     static_cast<int>(results.size()), results.data(), &count);
  std::vector<Algorithm> algorithms;
  for (int i = 0; status == CUBLAS_STATUS_SUCCESS && i < count; ++i) {
    const auto& r = results[static_cast<std::size_t>(i)];
    std::int32_t split = 1;
    cublasLtMatmulAlgoConfigGetAttribute(&r.algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &split, sizeof split, nullptr);
    if (r.state == CUBLAS_STATUS_SUCCESS && split <= 1) algorithms.push_back({r.algo, r.workspaceSize});
  }
  return algorithms;
}

}  // namespace nvembed::cuda
