// cuDNN: handles, and attention described by a graph and queued on streams.

#include <cstring>
#include <set>
#include <string>
#include <utility>
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include "sdpa.hpp"
#include "state.hpp"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace emulator {
namespace {

// Wants memory, so that a workspace that is too small, or shared, shows.
constexpr std::int64_t workspace_bytes_wanted = 17152;
constexpr std::int64_t widest_head = 256;

std::set<cudnnHandle_t>& handles() {
  static auto* objects = new std::set<cudnnHandle_t>;
  return *objects;
}

template <class F>
cudnnStatus_t call_cudnn(F&& body) {
  const std::lock_guard guard(runtime().lock);
  if (device_status() != cudaSuccess) return CUDNN_STATUS_EXECUTION_FAILED;
  return body();
}

cudnn_frontend::error_t good() { return {}; }
cudnn_frontend::error_t refuse(cudnn_frontend::error_code_t code, std::string why) { return {code, std::move(why)}; }
cudnn_frontend::error_t unsupported(std::string why) {
  return refuse(cudnn_frontend::error_code_t::GRAPH_NOT_SUPPORTED, std::move(why));
}
cudnn_frontend::error_t not_set(std::string why) {
  return refuse(cudnn_frontend::error_code_t::ATTRIBUTE_NOT_SET, std::move(why));
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

size_t cudnnGetVersion() { return static_cast<std::size_t>(runtime().device.cudnn_version); }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return "CUDNN_STATUS_INTERNAL_ERROR";
  }
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return call_cudnn([&] {
    if (handle == nullptr) return CUDNN_STATUS_BAD_PARAM;
    if (unsafe_in_capture() != cudaSuccess) return CUDNN_STATUS_INTERNAL_ERROR;  // it allocates
    handles().insert(*handle = new cudnnContext);
    ++runtime().counts.live_cudnn;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  const std::lock_guard guard(runtime().lock);
  if (handles().erase(handle) == 0) return CUDNN_STATUS_BAD_PARAM;
  --runtime().counts.live_cudnn;
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return call_cudnn([&] {
    if (handles().count(handle) == 0 || !find_stream(stream)) return CUDNN_STATUS_BAD_PARAM;
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  return call_cudnn([&] {
    if (handles().count(handle) == 0 || stream == nullptr) return CUDNN_STATUS_BAD_PARAM;
    *stream = handle->stream;
    return CUDNN_STATUS_SUCCESS;
  });
}

}  // extern "C"

namespace cudnn_frontend::graph {

std::array<Graph::Tensor, 2> Graph::sdpa(Tensor q, Tensor k, Tensor v, SDPA_attributes attributes) {
  if (attention_) throw Error("cudnn_frontend: a graph of two attentions is not emulated");
  q_ = std::move(q), k_ = std::move(k), v_ = std::move(v);
  attention_ = std::move(attributes);
  o_ = tensor({});
  return {o_, nullptr};
}

error_t Graph::check_matrix(const Tensor& t, const char* what) const {
  const std::string name(what);
  if (!t || !t->uid) return not_set(name + " has no uid");
  if (t->dim.size() != 4) return not_set("The dim for " + name + " is invalid");
  if (t->stride.size() != 4) return not_set("The stride for " + name + " is invalid");
  if (t->stride[3] != 1) return unsupported("The stride for the last dimension of " + name + " should be 1");
  for (std::size_t i = 0; i < 4; ++i) {
    if (t->dim[i] < 1) return not_set(name + " has an empty dimension");
    if (i < 3 && t->dim[i] > 1 && t->stride[i] * 2 % 16 != 0)
      return unsupported(name + ": stride " + std::to_string(t->stride[i]) + " is no multiple of 16 bytes");
  }
  const DataType_t type = t->type == DataType_t::NOT_SET ? io_ : t->type;
  if (type != io_) return unsupported(name + " has a type of its own");
  if (!t->ragged_offset) return unsupported(name + " has no ragged offset: padded batches are not emulated");
  return check_numbers(t->ragged_offset, t->dim[0] + 1, what);
}

error_t Graph::check_numbers(const Tensor& t, std::int64_t count, const char* what) const {
  const std::string name(what);
  if (!t || !t->uid) return not_set("numbers of " + name + " have no uid");
  if (t->dim != std::vector<std::int64_t>{count, 1, 1, 1} || t->stride != std::vector<std::int64_t>{1, 1, 1, 1})
    return unsupported("numbers of " + name + " are no (" + std::to_string(count) + ", 1, 1, 1)");
  if (t->type != DataType_t::INT32) return unsupported("numbers of " + name + " are no INT32");
  return good();
}

error_t Graph::validate() {
  if (!attention_) return not_set("an empty graph");
  const SDPA_attributes& a = *attention_;
  if (io_ != DataType_t::HALF && io_ != DataType_t::BFLOAT16) return unsupported("only 16-bit types are emulated");
  if (intermediate_ == DataType_t::NOT_SET) return not_set("Intermediate tensor data type needs to be set");
  if (compute_ != DataType_t::FLOAT || intermediate_ != DataType_t::FLOAT) return unsupported("sums are f32");
  for (const auto& [t, name] : {std::pair{q_, "Q"}, {k_, "K"}, {v_, "V"}, {o_, "O"}})
    if (error_t e = check_matrix(t, name); e.is_bad()) return e;
  if (!o_->output) return not_set("O is virtual");
  std::set<std::int64_t> uids;
  for (const Tensor& t : tensors_)
    if (!t->uid || !uids.insert(*t->uid).second) return refuse(error_code_t::INVALID_VALUE, "a uid is used twice");
  const std::int64_t b = q_->dim[0], h = q_->dim[1], s = q_->dim[2], d = q_->dim[3];
  if (k_->dim[0] != b || v_->dim[0] != b || k_->dim[2] != v_->dim[2] || k_->dim[3] != d || o_->dim[0] != b ||
      o_->dim[1] != h || o_->dim[2] != s || v_->dim[1] != k_->dim[1] || v_->dim[3] != d || o_->dim[3] != d)
    return refuse(error_code_t::INVALID_VALUE, "Q, K, V and O do not fit one another");
  if (h % k_->dim[1] != 0) return unsupported("number of heads of K must be a factor of that of Q");
  if (d % 8 != 0) return unsupported("hidden_dim should be multiple of 8");
  if (a.generate_stats) return unsupported("statistics are not emulated");
  if (!a.padding_mask) return unsupported("Ragged offsets are only supported with padding mask.");
  if (!a.seq_len_q || !a.seq_len_kv) return not_set("Padding mask requires seq_len_q/seq_len_kv to be set.");
  for (const auto& [t, name] : {std::pair{a.seq_len_q, "seq_len_q"}, {a.seq_len_kv, "seq_len_kv"}})
    if (error_t e = check_numbers(t, b, name); e.is_bad()) return e;
  if (a.alignment != DiagonalAlignment_t::TOP_LEFT) return unsupported("bottom right alignment is not emulated");
  if (a.left_bound && *a.left_bound <= 0)
    return refuse(error_code_t::INVALID_VALUE, "Left bound should be greater than zero when set.");
  if (a.right_bound && *a.right_bound < 0)
    return refuse(error_code_t::INVALID_VALUE, "Right bound needs to be larger than or equal to zero");
  stage_ = Stage::validated;
  return good();
}

error_t Graph::build_operation_graph(cudnnHandle_t handle) {
  const std::lock_guard guard(runtime().lock);
  if (stage_ != Stage::validated) return refuse(error_code_t::INVALID_VALUE, "the graph is not validated");
  if (handles().count(handle) == 0) return refuse(error_code_t::HANDLE_ERROR, "no such handle");
  stage_ = Stage::lowered;
  return good();
}

error_t Graph::create_execution_plans(const std::vector<HeurMode_t>& modes) {
  const std::lock_guard guard(runtime().lock);
  if (stage_ != Stage::lowered) return refuse(error_code_t::INVALID_VALUE, "there is no operation graph");
  ++runtime().counts.attention_plans;
  if (modes.empty() || !runtime().device.cudnn_has_plans || q_->dim[3] > widest_head)
    return refuse(error_code_t::HEURISTIC_QUERY_FAILED, "No valid engine configs for attention");
  stage_ = Stage::asked;
  return good();
}

error_t Graph::check_support() {
  if (stage_ != Stage::asked) return refuse(error_code_t::INVALID_VALUE, "plans were not asked for");
  if (most_workspace_ && *most_workspace_ < workspace_bytes_wanted)
    return refuse(error_code_t::GRAPH_NOT_SUPPORTED, "no plan has so small a workspace");
  stage_ = Stage::supported;
  return good();
}

error_t Graph::build_plans(BuildPlanPolicy_t) {
  const std::lock_guard guard(runtime().lock);
  if (stage_ != Stage::supported) return refuse(error_code_t::INVALID_VALUE, "support was not asked for");
  if (device_status() != cudaSuccess)
    return refuse(error_code_t::CUDNN_BACKEND_API_FAILED, "CUDNN_STATUS_EXECUTION_FAILED");
  stage_ = Stage::built;
  return good();
}

error_t Graph::get_workspace_size(std::int64_t& bytes) const {
  if (stage_ != Stage::built) return refuse(error_code_t::INVALID_VALUE, "there is no plan");
  bytes = workspace_bytes_wanted;
  return good();
}

error_t Graph::execute(cudnnHandle_t handle, std::unordered_map<std::int64_t, void*>& tensors, void* workspace) const {
  const std::lock_guard guard(runtime().lock);
  if (device_status() != cudaSuccess || !runtime().device.cudnn_executes)
    return refuse(error_code_t::CUDNN_BACKEND_API_FAILED, "CUDNN_STATUS_EXECUTION_FAILED");
  if (stage_ != Stage::built) return refuse(error_code_t::GRAPH_EXECUTION_FAILED, "there is no plan");
  if (handles().count(handle) == 0) return refuse(error_code_t::HANDLE_ERROR, "no such handle");
  const auto stream = find_stream(handle->stream);
  if (!stream) return refuse(error_code_t::HANDLE_ERROR, "the handle's stream is gone");
  if (workspace == nullptr)
    return refuse(error_code_t::INVALID_VARIANT_PACK, "Plan requires a workspace but received null.");
  for (const Tensor& t : tensors_)
    if (tensors.find(*t->uid) == tensors.end() || tensors[*t->uid] == nullptr)
      return refuse(error_code_t::INVALID_VARIANT_PACK, "Uid " + std::to_string(*t->uid) + " not found.");

  tick(*stream);
  const auto numbers = [&](const Tensor& t, const char* what) {
    const auto* p = static_cast<const std::int32_t*>(tensors[*t->uid]);
    touch_range(p, static_cast<std::size_t>(t->dim[0]) * sizeof *p, *stream, what);
    return p;
  };
  const auto matrix = [&](const Tensor& t, const char* what) {
    void* const p = tensors[*t->uid];
    if (reinterpret_cast<std::uintptr_t>(p) % 16 != 0) throw Error(std::string(what) + " is not aligned to 16 bytes");
    touch_range(p, static_cast<std::size_t>(t->dim[3]) * 2, *stream, what);  // a row at least; offsets tell the rest
    const auto size = [&](std::int64_t n) { return static_cast<std::size_t>(n); };
    return Ragged{p, numbers(t->ragged_offset, what), size(t->dim[1]), size(t->stride[1]), size(t->stride[2]), what};
  };
  const SDPA_attributes& given = *attention_;
  Attention a;
  a.bfloat16 = io_ == DataType_t::BFLOAT16;
  a.q = matrix(q_, "Q"), a.k = matrix(k_, "K"), a.v = matrix(v_, "V"), a.o = matrix(o_, "O");
  a.q_lengths = numbers(given.seq_len_q, "seq_len_q"), a.k_lengths = numbers(given.seq_len_kv, "seq_len_kv");
  a.texts = static_cast<std::size_t>(q_->dim[0]), a.longest = static_cast<std::size_t>(q_->dim[2]);
  a.head_dim = static_cast<std::size_t>(q_->dim[3]), a.scale = given.scale;
  a.left = given.left_bound.value_or(-1), a.right = given.right_bound.value_or(-1);
  touch_range(workspace, static_cast<std::size_t>(workspace_bytes_wanted), *stream, "cuDNN, workspace");

  ++runtime().counts.attentions;
  const cudaError_t error = enqueue(*stream, [a, workspace] {
    std::memset(workspace, 0xFF, static_cast<std::size_t>(workspace_bytes_wanted));
    attend(a);
  });
  return error == cudaSuccess ? good() : refuse(error_code_t::CUDA_API_FAILED, "capture has failed");
}

}  // namespace cudnn_frontend::graph
