#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "emulator.hpp"
#include "fixture.hpp"

namespace {

/// Every descriptor of one product.
struct Call {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;

  /// Columns lie `gap` elements more than their length apart.
  Call(cublasComputeType_t compute, cudaDataType in, cudaDataType out, bool ta, bool tb, int m, int n, int k,
       int gap = 1)
      : gap_(gap) {
    REQUIRE(cublasLtCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulDescCreate(&desc, compute, compute == CUBLAS_COMPUTE_32I ? CUDA_R_32I : CUDA_R_32F) ==
            CUBLAS_STATUS_SUCCESS);
    REQUIRE(cublasLtMatmulPreferenceCreate(&preference) == CUBLAS_STATUS_SUCCESS);
    const std::int32_t op_a = ta ? CUBLAS_OP_T : CUBLAS_OP_N, op_b = tb ? CUBLAS_OP_T : CUBLAS_OP_N;
    set(CUBLASLT_MATMUL_DESC_TRANSA, op_a);
    set(CUBLASLT_MATMUL_DESC_TRANSB, op_b);
    layout(a, in, ta ? k : m, ta ? m : k);
    layout(b, in, tb ? n : k, tb ? k : n);
    layout(d, out, m, n);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    cublasLtMatrixLayoutDestroy(a);
    cublasLtMatrixLayoutDestroy(b);
    cublasLtMatrixLayoutDestroy(d);
    cublasLtMatmulPreferenceDestroy(preference);
    cublasLtMatmulDescDestroy(desc);
    CHECK(cublasLtDestroy(handle) == CUBLAS_STATUS_SUCCESS);
  }

  void layout(cublasLtMatrixLayout_t& out, cudaDataType type, int rows, int cols) const {
    REQUIRE(cublasLtMatrixLayoutCreate(&out, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(cols),
                                       rows + gap_) == CUBLAS_STATUS_SUCCESS);
  }
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attr, const T& value) {
    REQUIRE(cublasLtMatmulDescSetAttribute(desc, attr, &value, sizeof value) == CUBLAS_STATUS_SUCCESS);
  }
  void batch(int count, std::int64_t stride_a, std::int64_t stride_b, std::int64_t stride_d) {
    const std::pair<cublasLtMatrixLayout_t, std::int64_t> all[] = {{a, stride_a}, {b, stride_b}, {d, stride_d}};
    for (const auto& [layout, stride] : all) {
      REQUIRE(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count) ==
              CUBLAS_STATUS_SUCCESS);
      REQUIRE(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride,
                                               sizeof stride) == CUBLAS_STATUS_SUCCESS);
    }
  }
  template <class F>
  cublasStatus_t run(F alpha, const void* pa, const void* pb, F beta, void* pd,
                     const cublasLtMatmulAlgo_t* algo = nullptr, void* workspace = nullptr, std::size_t bytes = 0) {
    return cublasLtMatmul(handle, desc, &alpha, pa, a, pb, b, &beta, pd, d, pd, d, algo, workspace, bytes, nullptr);
  }

 private:
  int gap_;
};

float value_of(float x) { return x; }
float value_of(__half x) { return __half2float(x); }
float value_of(__nv_bfloat16 x) { return __bfloat162float(x); }
template <class T>
T of(float x) {
  if constexpr (std::is_same_v<T, __half>) return __float2half_rn(x);
  if constexpr (std::is_same_v<T, __nv_bfloat16>) return __float2bfloat16_rn(x);
  if constexpr (std::is_same_v<T, float>) return x;
}
template <class T>
constexpr cudaDataType type_of = std::is_same_v<T, __half>          ? CUDA_R_16F
                                 : std::is_same_v<T, __nv_bfloat16> ? CUDA_R_16BF
                                                                    : CUDA_R_32F;

template <class T>
std::vector<T> numbers(std::size_t n, unsigned seed) {  // multiples of 1/8: exact in every type, also their products
  std::vector<T> v;
  for (std::size_t i = 0; i < n; ++i)
    v.push_back(of<T>(static_cast<float>(static_cast<int>((i * 7919 + seed * 104729) % 31) - 15) / 8));
  return v;
}

template <class In, class Out>
void check_product(bool ta, bool tb) {
  const int m = 5, n = 21, k = 9, batches = 2;
  const std::size_t rows_a = ta ? 9 : 5, cols_a = ta ? 5 : 9, rows_b = tb ? 21 : 9, cols_b = tb ? 9 : 21;
  const auto a = numbers<In>((rows_a + 1) * cols_a * batches, 1), b = numbers<In>((rows_b + 1) * cols_b * batches, 2);
  const auto before = numbers<Out>(6 * 21 * batches, 3), bias = numbers<Out>(5, 4);
  const DeviceBuffer<In> da(a), db(b);
  const DeviceBuffer<Out> dd(before), dbias(bias);
  Call call(CUBLAS_COMPUTE_32F, type_of<In>, type_of<Out>, ta, tb, m, n, k);
  call.batch(batches, static_cast<std::int64_t>((rows_a + 1) * cols_a),
             static_cast<std::int64_t>((rows_b + 1) * cols_b), 6 * 21);
  call.set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_BIAS});
  call.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(dbias.get()));
  REQUIRE(call.run(2.0f, da.get(), db.get(), 0.5f, dd.get()) == CUBLAS_STATUS_SUCCESS);
  const auto d = dd.read();
  for (std::size_t s = 0; s < batches; ++s)
    for (std::size_t j = 0; j < 21; ++j) {
      for (std::size_t i = 0; i < 5; ++i) {
        float sum = 0;
        for (std::size_t l = 0; l < 9; ++l) {
          const std::size_t at_a = ta ? l + i * (rows_a + 1) : i + l * (rows_a + 1);
          const std::size_t at_b = tb ? j + l * (rows_b + 1) : l + j * (rows_b + 1);
          sum += value_of(a[s * (rows_a + 1) * cols_a + at_a]) * value_of(b[s * (rows_b + 1) * cols_b + at_b]);
        }
        const std::size_t at = s * 6 * 21 + j * 6 + i;
        const float expected = 2 * sum + 0.5f * value_of(before[at]) + value_of(bias[i]);
        CHECK(value_of(d[at]) == value_of(of<Out>(expected)));
      }
      const std::size_t padding = s * 6 * 21 + j * 6 + 5;
      CHECK(value_of(d[padding]) == value_of(before[padding]));
    }
}

}  // namespace

TEST_CASE("cublasLtMatmul against a naive product: types, transposes, batches, bias") {
  const Fresh fresh;
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      check_product<float, float>(ta, tb);
      check_product<__half, __half>(ta, tb);
      check_product<__half, float>(ta, tb);
      check_product<__nv_bfloat16, __nv_bfloat16>(ta, tb);
      check_product<__nv_bfloat16, float>(ta, tb);
    }
}

TEST_CASE("a column's bits do not depend on how many columns there are, nor on its place") {
  const Fresh fresh;
  const int m = 70, k = 300;
  const auto a = numbers<float>(71 * 300, 1);
  std::vector<float> b(301 * 40);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = std::sin(static_cast<float>(i));
  const DeviceBuffer<float> da(a), db(b), dall(71 * 40), done(71);
  Call all(CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, false, false, m, 40, k);
  REQUIRE(all.run(1.0f, da.get(), db.get(), 0.0f, dall.get()) == CUBLAS_STATUS_SUCCESS);
  const auto whole = dall.read();
  Call one(CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, false, false, m, 1, k);
  for (std::size_t j = 0; j < 40; ++j) {
    REQUIRE(one.run(1.0f, da.get(), db.get() + j * 301, 0.0f, done.get()) == CUBLAS_STATUS_SUCCESS);
    const auto column = done.read();
    for (std::size_t i = 0; i < 70; ++i) REQUIRE(column[i] == whole[j * 71 + i]);
  }
}

TEST_CASE("TF32 keeps ten bits of an input's mantissa") {
  const Fresh fresh;
  const DeviceBuffer<float> a(std::vector<float>{1 + 0x1p-10f, 0}), b(std::vector<float>{1 + 0x1p-12f, 0}), d(2);
  Call exact(CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, false, false, 1, 1, 1);
  REQUIRE(exact.run(1.0f, a.get(), b.get(), 0.0f, d.get()) == CUBLAS_STATUS_SUCCESS);
  CHECK(d.read()[0] == (1 + 0x1p-10f) * (1 + 0x1p-12f));
  Call fast(CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, false, false, 1, 1, 1);
  REQUIRE(fast.run(1.0f, a.get(), b.get(), 0.0f, d.get()) == CUBLAS_STATUS_SUCCESS);
  CHECK(d.read()[0] == 1 + 0x1p-10f);
}

TEST_CASE("products in 8 bits: whole numbers exactly, E4M3 in f32, as cuBLAS demands them") {
  const Fresh fresh;
  const int m = 16, n = 5, k = 2048;
  std::vector<signed char> a(k * m), b(k * n);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<signed char>(i % 7 == 0 ? -3 : 127);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<signed char>(i % 11 == 0 ? 5 : 127);
  const DeviceBuffer<signed char> da(a), db(b);
  const DeviceBuffer<std::int32_t> sums(m * n);
  Call whole(CUBLAS_COMPUTE_32I, CUDA_R_8I, CUDA_R_32I, true, false, m, n, k, 0);
  REQUIRE(whole.run(std::int32_t{1}, da.get(), db.get(), std::int32_t{0}, sums.get()) == CUBLAS_STATUS_SUCCESS);
  const auto whole_sums = sums.read();
  int above_float = 0;
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < m; ++i) {
      std::int32_t sum = 0;
      for (std::size_t l = 0; l < k; ++l) sum += a[i * k + l] * b[j * k + l];
      CHECK(whole_sums[j * m + i] == sum);
      above_float += sum > 1 << 24;
    }
  CHECK(above_float > 0);

  // 1.75 * 2^3 = 0x56, -2^-9 = 0x81
  const DeviceBuffer<unsigned char> ea(std::vector<unsigned char>(16 * 16, 0x56)),
      eb(std::vector<unsigned char>(16, 0x81));
  const DeviceBuffer<float> ed(16);
  Call eight(CUBLAS_COMPUTE_32F, CUDA_R_8F_E4M3, CUDA_R_32F, true, false, 16, 1, 16, 0);
  REQUIRE(eight.run(1.0f, ea.get(), eb.get(), 0.0f, ed.get()) == CUBLAS_STATUS_SUCCESS);
  for (const float v : ed.read()) CHECK(v == -14 * 16 * 0x1p-9f);

  Call apart(CUBLAS_COMPUTE_32F, CUDA_R_8F_E4M3, CUDA_R_32F, true, false, 16, 1, 16, 1);
  CHECK(apart.run(1.0f, ea.get(), eb.get(), 0.0f, ed.get()) == CUBLAS_STATUS_NOT_SUPPORTED);
  Call upright(CUBLAS_COMPUTE_32F, CUDA_R_8F_E4M3, CUDA_R_32F, false, false, 16, 1, 16, 0);
  CHECK(upright.run(1.0f, ea.get(), eb.get(), 0.0f, ed.get()) == CUBLAS_STATUS_NOT_SUPPORTED);
  Call halves(CUBLAS_COMPUTE_32I, CUDA_R_8I, CUDA_R_32F, true, false, 16, 1, 16, 0);
  CHECK(halves.run(std::int32_t{1}, ea.get(), eb.get(), std::int32_t{0}, ed.get()) == CUBLAS_STATUS_NOT_SUPPORTED);
  emulator::device().minor = 6, emulator::device().major = 8;
  CHECK(eight.run(1.0f, ea.get(), eb.get(), 0.0f, ed.get()) == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(whole.run(std::int32_t{1}, da.get(), db.get(), std::int32_t{0}, sums.get()) == CUBLAS_STATUS_SUCCESS);
}

TEST_CASE("algorithms: what was asked for holds, what does not fit is refused") {
  const Fresh fresh;
  const DeviceBuffer<float> a(64), b(64), d(64);
  const DeviceBuffer<std::byte> workspace(8192);
  Call call(CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, false, false, 4, 4, 4);
  const std::uint64_t most = 8192;
  REQUIRE(cublasLtMatmulPreferenceSetAttribute(call.preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most,
                                               sizeof most) == CUBLAS_STATUS_SUCCESS);
  cublasLtMatmulHeuristicResult_t result;
  int found = 0;
  REQUIRE(cublasLtMatmulAlgoGetHeuristic(call.handle, call.desc, call.a, call.b, call.d, call.d, call.preference, 1,
                                         &result, &found) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(found == 1);
  REQUIRE(result.workspaceSize > 0);
  std::int32_t split = 0;
  std::size_t written = 0;
  CHECK(cublasLtMatmulAlgoConfigGetAttribute(&result.algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &split, sizeof split,
                                             &written) == CUBLAS_STATUS_SUCCESS);
  CHECK(split == 1);
  CHECK(written == 4);
  CHECK(cublasLtMatmulAlgoCheck(call.handle, call.desc, call.a, call.b, call.d, call.d, &result.algo, &result) ==
        CUBLAS_STATUS_SUCCESS);
  CHECK(call.run(1.0f, a.get(), b.get(), 0.0f, d.get(), &result.algo) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(call.run(1.0f, a.get(), b.get(), 0.0f, d.get(), &result.algo, workspace.get(), 8192) == CUBLAS_STATUS_SUCCESS);
  CHECK_THROWS_WITH_AS(call.run(1.0f, a.get() + 1, b.get(), 0.0f, d.get(), &result.algo, workspace.get(), 8192),
                       doctest::Contains("aligned"), emulator::Error);
  CHECK_THROWS_WITH_AS(call.run(1.0f, a.get(), b.get() + 60, 0.0f, d.get()), doctest::Contains("beyond its allocation"),
                       emulator::Error);
  std::vector<float> host(64);
  CHECK_THROWS_WITH_AS(call.run(1.0f, a.get(), host.data(), 0.0f, d.get()), doctest::Contains("not device memory"),
                       emulator::Error);
  Call narrow(CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, false, false, 4, 4, 4);
  CHECK(narrow.run(1.0f, a.get(), b.get(), 0.0f, d.get()) == CUBLAS_STATUS_NOT_SUPPORTED);
  Call longer(CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, false, false, 4, 4, 5);
  std::swap(longer.a, call.a);
  CHECK(longer.run(1.0f, a.get(), b.get(), 0.0f, d.get()) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasLtMatrixLayoutDestroy(nullptr) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(std::strcmp(cublasLtGetStatusName(CUBLAS_STATUS_NOT_SUPPORTED), "CUBLAS_STATUS_NOT_SUPPORTED") == 0);
  emulator::device().lose();
  CHECK(call.run(1.0f, a.get(), b.get(), 0.0f, d.get()) == CUBLAS_STATUS_EXECUTION_FAILED);
  emulator::device().restore();
}
