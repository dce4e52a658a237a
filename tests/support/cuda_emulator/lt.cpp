// cuBLASLt: descriptors, and products queued on streams.

#include <algorithm>
#include <string>
#include <utility>

#include "lt_types.hpp"
#include "state.hpp"

struct cublasLtContext {};

namespace emulator {
namespace {

constexpr std::uint64_t workspace_bytes_wanted = 4096;

std::set<const void*>& live() {
  static auto* objects = new std::set<const void*>;
  return *objects;
}

template <class F>
cublasStatus_t call_lt(F&& body) {
  const std::lock_guard guard(runtime().lock);
  if (device_status() != cudaSuccess) return CUBLAS_STATUS_EXECUTION_FAILED;
  return body();
}

template <class T>
cublasStatus_t create(T** out, T* object) {
  *out = object;
  live().insert(object);
  ++runtime().counts.live_cublas;
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t destroy(T* object) {
  const std::lock_guard guard(runtime().lock);
  if (live().erase(object) == 0) return CUBLAS_STATUS_INVALID_VALUE;
  --runtime().counts.live_cublas;
  delete object;
  return CUBLAS_STATUS_SUCCESS;
}

bool alive(const void* object) { return live().count(object) == 1; }

template <class T>
cublasStatus_t assign(T& field, const void* buf, std::size_t size) {
  if (buf == nullptr || size != sizeof field) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&field, buf, size);
  return CUBLAS_STATUS_SUCCESS;
}

bool is_16_bit(std::int32_t type) { return type == CUDA_R_16F || type == CUDA_R_16BF; }

bool is_8_bit(std::int32_t type) { return type == CUDA_R_8I || type == CUDA_R_8F_E4M3; }

/// What cuBLAS demands of products in 8 bits: whole numbers into 32 bits on all devices, E4M3 into f32 on 8.9 and
/// later; A transposed, B not, matrices aligned to 16 bytes; here without a bias.
bool serves_8_bit(const Product& p) {
  const bool whole = p.a.type == CUDA_R_8I;
  const auto multiple = [](std::int64_t n) { return n % 16 == 0; };
  return p.b.type == p.a.type && p.c.type == p.d.type && p.d.type == (whole ? CUDA_R_32I : CUDA_R_32F) &&
         p.matmul.compute == (whole ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F) &&
         p.matmul.scale == (whole ? CUDA_R_32I : CUDA_R_32F) && p.matmul.op_a == CUBLAS_OP_T &&
         p.matmul.op_b == CUBLAS_OP_N && p.matmul.epilogue == CUBLASLT_EPILOGUE_DEFAULT &&
         (whole || device().major * 10 + device().minor >= 89) && multiple(static_cast<std::int64_t>(p.a.rows)) &&
         multiple(static_cast<std::int64_t>(p.a.cols)) && multiple(p.a.ld) && multiple(p.b.ld) &&
         multiple(p.d.ld * 4) && multiple(p.c.ld * 4);
}

/// The product's sizes, and whether all matrices have them.
cublasStatus_t fit(Product& p) {
  const auto& [matmul, la, lb, lc, ld, m0, n0, k0, batches0] = p;
  const auto size = [](const Layout& l, bool transposed, bool rows) { return rows != transposed ? l.rows : l.cols; };
  p.m = size(la, matmul.op_a != CUBLAS_OP_N, true);
  p.k = size(la, matmul.op_a != CUBLAS_OP_N, false);
  p.n = size(lb, matmul.op_b != CUBLAS_OP_N, false);
  p.batches = static_cast<std::size_t>(ld.batches);
  const bool same_batches = la.batches == ld.batches && lb.batches == ld.batches && lc.batches == ld.batches;
  if (size(lb, matmul.op_b != CUBLAS_OP_N, true) != p.k || ld.rows != p.m || ld.cols != p.n || lc.rows != p.m ||
      lc.cols != p.n || !same_batches)
    return CUBLAS_STATUS_INVALID_VALUE;
  return CUBLAS_STATUS_SUCCESS;
}

Algo choose(const Preference& preference) {
  Algo algo;
  // Wants memory where it may, so that a workspace that is too small, or shared, shows.
  if (preference.max_workspace >= workspace_bytes_wanted) algo.workspace = workspace_bytes_wanted;
  for (int i = 0; i < 4; ++i) algo.alignment[i] = static_cast<std::uint16_t>(preference.alignment[i]);
  return algo;
}

/// alpha or beta, whole numbers beside whole products
float factor(const void* at, std::int32_t type) {
  if (type == CUDA_R_32I) {
    std::int32_t whole = 0;
    std::memcpy(&whole, at, sizeof whole);
    return static_cast<float>(whole);
  }
  float f = 0;
  std::memcpy(&f, at, sizeof f);
  return f;
}

void check_alignment(const void* p, std::uint16_t bytes, const char* name) {
  if (bytes != 0 && reinterpret_cast<std::uintptr_t>(p) % bytes != 0)
    throw Error(std::string("cublasLtMatmul: the algorithm was chosen for ") + name + " aligned to " +
                std::to_string(bytes) + " bytes, which it is not");
}

}  // namespace

cublasStatus_t make_product(cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                            cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, Product& p) {
  for (const void* object : {static_cast<const void*>(desc), static_cast<const void*>(a), static_cast<const void*>(b),
                             static_cast<const void*>(c), static_cast<const void*>(d)})
    if (!alive(object)) return CUBLAS_STATUS_INVALID_VALUE;
  p = {get<Matmul>(desc), get<Layout>(a), get<Layout>(b), get<Layout>(c), get<Layout>(d), 0, 0, 0, 0};
  for (const Layout* l : {&p.a, &p.b, &p.c, &p.d})
    if (!l->valid()) return CUBLAS_STATUS_INVALID_VALUE;
  const auto& [matmul, la, lb, lc, ld, m0, n0, k0, batches0] = p;
  if (matmul.pointer_mode != CUBLASLT_POINTER_MODE_HOST || matmul.op_c != CUBLAS_OP_N)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (is_8_bit(la.type)) {
    if (!serves_8_bit(p)) return CUBLAS_STATUS_NOT_SUPPORTED;
    return fit(p);
  }
  if (matmul.scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  const bool tf32 = matmul.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  if (matmul.compute != CUBLAS_COMPUTE_32F && matmul.compute != CUBLAS_COMPUTE_32F_PEDANTIC && !tf32)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if ((!is_16_bit(la.type) && la.type != CUDA_R_32F) || la.type != lb.type || (tf32 && la.type != CUDA_R_32F))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (lc.type != ld.type || (ld.type != CUDA_R_32F && ld.type != la.type)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (matmul.epilogue != CUBLASLT_EPILOGUE_DEFAULT && matmul.epilogue != CUBLASLT_EPILOGUE_BIAS)
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (matmul.bias_type != -1 && matmul.bias_type != ld.type) return CUBLAS_STATUS_NOT_SUPPORTED;
  return fit(p);
}

}  // namespace emulator

using namespace emulator;

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  return call_lt([&] { return create(handle, new cublasLtContext); });
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return destroy(handle); }

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "CUBLAS_STATUS_LICENSE_ERROR";
  }
  return "unknown cuBLAS status";
}
const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the functionality requested is not supported";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the GPU program failed to execute";
    default:
      return cublasLtGetStatusName(status);
  }
}
size_t cublasLtGetVersion() { return CUBLAS_VERSION; }
size_t cublasLtGetCudartVersion() { return CUDART_VERSION; }

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* out, cudaDataType type, uint64_t rows, uint64_t cols,
                                          int64_t ld) {
  return call_lt([&] {
    auto* layout = new cublasLtMatrixLayoutOpaque_t{};
    put(layout, Layout{.type = type, .rows = rows, .cols = cols, .ld = ld});
    return create(out, layout);
  });
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy(layout); }

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t attr,
                                                const void* buf, size_t size) {
  return call_lt([&] {
    if (!alive(layout)) return CUBLAS_STATUS_INVALID_VALUE;
    auto l = get<Layout>(layout);
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
      case CUBLASLT_MATRIX_LAYOUT_TYPE:
        status = assign(l.type, buf, size);
        break;
      case CUBLASLT_MATRIX_LAYOUT_ORDER:
        status = assign(l.order, buf, size);
        break;
      case CUBLASLT_MATRIX_LAYOUT_ROWS:
        status = assign(l.rows, buf, size);
        break;
      case CUBLASLT_MATRIX_LAYOUT_COLS:
        status = assign(l.cols, buf, size);
        break;
      case CUBLASLT_MATRIX_LAYOUT_LD:
        status = assign(l.ld, buf, size);
        break;
      case CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT:
        status = assign(l.batches, buf, size);
        break;
      case CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET:
        status = assign(l.batch_stride, buf, size);
        break;
    }
    if (l.order != CUBLASLT_ORDER_COL && l.order != CUBLASLT_ORDER_ROW) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (status == CUBLAS_STATUS_SUCCESS) put(layout, l);
    return status;
  });
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* out, cublasComputeType_t compute, cudaDataType_t scale) {
  return call_lt([&] {
    auto* desc = new cublasLtMatmulDescOpaque_t{};
    put(desc, Matmul{.compute = compute, .scale = scale});
    return create(out, desc);
  });
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t desc) { return destroy(desc); }

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t attr,
                                              const void* buf, size_t size) {
  return call_lt([&] {
    if (!alive(desc)) return CUBLAS_STATUS_INVALID_VALUE;
    auto m = get<Matmul>(desc);
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
      case CUBLASLT_MATMUL_DESC_COMPUTE_TYPE:
        status = assign(m.compute, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_SCALE_TYPE:
        status = assign(m.scale, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_POINTER_MODE:
        status = assign(m.pointer_mode, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_TRANSA:
        status = assign(m.op_a, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_TRANSB:
        status = assign(m.op_b, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_TRANSC:
        status = assign(m.op_c, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_EPILOGUE:
        status = assign(m.epilogue, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        status = assign(m.bias, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE:
        status = assign(m.bias_batch_stride, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
        status = assign(m.bias_type, buf, size);
        break;
      case CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET:
        status = assign(m.sm_count, buf, size);
        break;
    }
    if (status == CUBLAS_STATUS_SUCCESS) put(desc, m);
    return status;
  });
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* out) {
  return call_lt([&] {
    auto* preference = new cublasLtMatmulPreferenceOpaque_t{};
    put(preference, Preference{});
    return create(out, preference);
  });
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) { return destroy(preference); }

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attr, const void* buf,
                                                    size_t size) {
  return call_lt([&] {
    if (!alive(preference)) return CUBLAS_STATUS_INVALID_VALUE;
    auto p = get<Preference>(preference);
    cublasStatus_t status = CUBLAS_STATUS_INVALID_VALUE;
    switch (attr) {
      case CUBLASLT_MATMUL_PREF_SEARCH_MODE:
        status = assign(p.search, buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        status = assign(p.max_workspace, buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        status = assign(p.reductions, buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
        status = assign(p.alignment[0], buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
        status = assign(p.alignment[1], buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
        status = assign(p.alignment[2], buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
        status = assign(p.alignment[3], buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_MAX_WAVES_COUNT:
        status = assign(p.max_waves, buf, size);
        break;
      case CUBLASLT_MATMUL_PREF_IMPL_MASK:  // 64 bits of flags; none of them matters here
        return size == sizeof(std::uint64_t) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    }
    if (status == CUBLAS_STATUS_SUCCESS) put(preference, p);
    return status;
  });
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t results[], int* returned) {
  return call_lt([&] {
    if (!alive(handle) || !alive(preference) || requested < 1 || results == nullptr || returned == nullptr)
      return CUBLAS_STATUS_INVALID_VALUE;
    *returned = 0;
    Product p;
    if (const cublasStatus_t status = make_product(desc, a, b, c, d, p); status != CUBLAS_STATUS_SUCCESS) return status;
    const Algo algo = choose(get<Preference>(preference));
    results[0] = {};
    put(&results[0].algo, algo);
    results[0].workspaceSize = algo.workspace;
    results[0].state = CUBLAS_STATUS_SUCCESS;
    results[0].wavesCount = 1;
    *returned = 1;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmulAlgoGetIds(cublasLtHandle_t handle, cublasComputeType_t, cudaDataType_t, cudaDataType_t,
                                        cudaDataType_t, cudaDataType_t, cudaDataType_t, int requested, int ids[],
                                        int* returned) {
  return call_lt([&] {
    if (!alive(handle) || requested < 1) return CUBLAS_STATUS_INVALID_VALUE;
    ids[0] = static_cast<int>(Algo{}.config[CUBLASLT_ALGO_CONFIG_ID]);
    *returned = 1;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmulAlgoInit(cublasLtHandle_t handle, cublasComputeType_t, cudaDataType_t, cudaDataType_t,
                                      cudaDataType_t, cudaDataType_t, cudaDataType_t, int id,
                                      cublasLtMatmulAlgo_t* algo) {
  return call_lt([&] {
    if (!alive(handle) || algo == nullptr || id != static_cast<int>(Algo{}.config[CUBLASLT_ALGO_CONFIG_ID]))
      return CUBLAS_STATUS_INVALID_VALUE;
    put(algo, Algo{});
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                       cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                       const cublasLtMatmulAlgo_t* algo, cublasLtMatmulHeuristicResult_t* result) {
  return call_lt([&] {
    if (!alive(handle) || algo == nullptr || result == nullptr || get<Algo>(algo).tag != Algo::known)
      return CUBLAS_STATUS_INVALID_VALUE;
    Product p;
    const cublasStatus_t status = make_product(desc, a, b, c, d, p);
    const cublasLtMatmulAlgo_t checked = *algo;  // may be result's own
    *result = {};
    result->algo = checked;
    result->state = status;
    result->workspaceSize = get<Algo>(&checked).workspace;
    result->wavesCount = 1;
    return status;
  });
}

cublasStatus_t cublasLtMatmulAlgoConfigSetAttribute(cublasLtMatmulAlgo_t* algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attr, const void* buf,
                                                    size_t size) {
  if (algo == nullptr || attr < 1 || attr > 8 || get<Algo>(algo).tag != Algo::known) return CUBLAS_STATUS_INVALID_VALUE;
  auto a = get<Algo>(algo);
  const bool half = attr >= CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID;  // 16 bits
  std::uint16_t narrow = 0;
  const cublasStatus_t status = half ? assign(narrow, buf, size) : assign(a.config[attr], buf, size);
  if (half) a.config[attr] = narrow;
  if (status == CUBLAS_STATUS_SUCCESS) put(algo, a);
  return status;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attr, void* buf, size_t size,
                                                    size_t* written) {
  if (algo == nullptr || attr < 0 || attr > 8 || get<Algo>(algo).tag != Algo::known) return CUBLAS_STATUS_INVALID_VALUE;
  const std::size_t bytes = attr >= CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID ? 2 : 4;
  if (written != nullptr) *written = bytes;
  if (size == 0) return CUBLAS_STATUS_SUCCESS;
  if (buf == nullptr || size < bytes) return CUBLAS_STATUS_INVALID_VALUE;
  const auto a = get<Algo>(algo);
  std::memcpy(buf, &a.config[attr], bytes);  // little end first
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t desc, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream_handle) {
  return call_lt([&] {
    const auto stream = find_stream(stream_handle);
    if (!alive(handle) || !stream || alpha == nullptr || beta == nullptr || a == nullptr || b == nullptr ||
        d == nullptr)
      return CUBLAS_STATUS_INVALID_VALUE;
    Product p;
    if (const cublasStatus_t status = make_product(desc, a_layout, b_layout, c_layout, d_layout, p);
        status != CUBLAS_STATUS_SUCCESS)
      return status;
    Algo chosen;
    if (algo != nullptr) chosen = get<Algo>(algo);
    if (chosen.tag != Algo::known || workspace_bytes < chosen.workspace ||
        (workspace_bytes != 0 && (workspace == nullptr || reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0)))
      return CUBLAS_STATUS_INVALID_VALUE;
    const float scale = factor(alpha, p.matmul.scale), keep = factor(beta, p.matmul.scale);
    if (keep != 0 && c == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    if (c == d && (p.c.ld != p.d.ld || p.c.order != p.d.order)) return CUBLAS_STATUS_INVALID_VALUE;

    tick(*stream);
    const bool bias = p.matmul.epilogue == CUBLASLT_EPILOGUE_BIAS;
    const std::size_t bias_elements = (p.batches - 1) * static_cast<std::size_t>(p.matmul.bias_batch_stride) + p.m;
    touch_range(a, p.a.bytes(), *stream, "cublasLtMatmul, A");
    touch_range(b, p.b.bytes(), *stream, "cublasLtMatmul, B");
    if (keep != 0) touch_range(c, p.c.bytes(), *stream, "cublasLtMatmul, C");
    touch_range(d, p.d.bytes(), *stream, "cublasLtMatmul, D");
    if (bias) touch_range(p.matmul.bias, bias_elements * p.d.element_bytes(), *stream, "cublasLtMatmul, bias");
    if (workspace_bytes != 0) touch_range(workspace, workspace_bytes, *stream, "cublasLtMatmul, workspace");
    check_alignment(a, chosen.alignment[0], "A");
    check_alignment(b, chosen.alignment[1], "B");
    if (keep != 0) check_alignment(c, chosen.alignment[2], "C");
    check_alignment(d, chosen.alignment[3], "D");

    ++runtime().counts.products;
    const cudaError_t error = enqueue(*stream, [p, scale, keep, a, b, c, d, workspace, bytes = chosen.workspace] {
      if (bytes != 0) std::memset(workspace, 0xFF, bytes);
      multiply(p, scale, a, b, keep, c, d);
    });
    return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
  });
}

}  // extern "C"
