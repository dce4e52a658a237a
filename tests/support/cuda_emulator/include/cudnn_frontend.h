#pragma once

// The part of cudnn-frontend that the emulator answers: a graph of one attention. It refuses what the real one refuses,
// and all that it does not know.

#include <cudnn.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#if !defined(CUDNN_FRONTEND_SKIP_JSON_LIB)
#error "the real one includes nlohmann/json.hpp unless CUDNN_FRONTEND_SKIP_JSON_LIB is defined"
#endif

namespace cudnn_frontend {

enum class DataType_t { NOT_SET, FLOAT, DOUBLE, HALF, INT8, INT32, INT8x4, UINT8, UINT8x4, INT8x32, BFLOAT16, INT64 };
enum class HeurMode_t { A, B, FALLBACK };
enum class BuildPlanPolicy_t { HEURISTICS_CHOICE, ALL };
enum class DiagonalAlignment_t { TOP_LEFT, BOTTOM_RIGHT };
enum class error_code_t {
  OK,
  ATTRIBUTE_NOT_SET,
  SHAPE_DEDUCTION_FAILED,
  INVALID_TENSOR_NAME,
  INVALID_VARIANT_PACK,
  GRAPH_NOT_SUPPORTED,
  GRAPH_EXECUTION_PLAN_CREATION_FAILED,
  GRAPH_EXECUTION_FAILED,
  HEURISTIC_QUERY_FAILED,
  UNSUPPORTED_GRAPH_FORMAT,
  CUDA_API_FAILED,
  CUDNN_BACKEND_API_FAILED,
  INVALID_CUDA_DEVICE,
  HANDLE_ERROR,
  INVALID_VALUE
};

struct [[nodiscard]] error_object {
  error_code_t code = error_code_t::OK;
  std::string err_msg;
  error_code_t get_code() { return code; }
  std::string get_message() { return err_msg; }
  bool is_good() const { return code == error_code_t::OK; }
  bool is_bad() const { return !is_good(); }
};
using error_t = error_object;

namespace graph {

class Tensor_attributes {
 public:
  using uid_t = std::int64_t;
  Tensor_attributes& set_name(const std::string& value) { return name = value, *this; }
  Tensor_attributes& set_uid(uid_t value) { return uid = value, *this; }
  Tensor_attributes& set_dim(const std::vector<std::int64_t>& value) { return dim = value, *this; }
  Tensor_attributes& set_stride(const std::vector<std::int64_t>& value) { return stride = value, *this; }
  Tensor_attributes& set_data_type(DataType_t value) { return type = value, *this; }
  Tensor_attributes& set_output(bool value) { return output = value, *this; }
  Tensor_attributes& set_ragged_offset(std::shared_ptr<Tensor_attributes> value) {
    return ragged_offset = std::move(value), *this;
  }

  std::string name;
  std::optional<uid_t> uid;
  std::vector<std::int64_t> dim, stride;
  DataType_t type = DataType_t::NOT_SET;
  bool output = false;
  std::shared_ptr<Tensor_attributes> ragged_offset;
};

class SDPA_attributes {
 public:
  using Tensor = std::shared_ptr<Tensor_attributes>;
  SDPA_attributes& set_name(const std::string& value) { return name = value, *this; }
  SDPA_attributes& set_generate_stats(bool value) { return generate_stats = value, *this; }
  SDPA_attributes& set_attn_scale(float value) { return scale = value, *this; }
  SDPA_attributes& set_padding_mask(bool value) { return padding_mask = value, *this; }
  SDPA_attributes& set_seq_len_q(Tensor value) { return seq_len_q = std::move(value), *this; }
  SDPA_attributes& set_seq_len_kv(Tensor value) { return seq_len_kv = std::move(value), *this; }
  SDPA_attributes& set_diagonal_alignment(DiagonalAlignment_t value) { return alignment = value, *this; }
  SDPA_attributes& set_diagonal_band_left_bound(int value) { return left_bound = value, *this; }
  SDPA_attributes& set_diagonal_band_right_bound(int value) { return right_bound = value, *this; }

  std::string name;
  bool generate_stats = false, padding_mask = false;
  float scale = 1;
  Tensor seq_len_q, seq_len_kv;
  DiagonalAlignment_t alignment = DiagonalAlignment_t::TOP_LEFT;
  std::optional<std::int64_t> left_bound, right_bound;
};

class Graph {
 public:
  using Tensor = std::shared_ptr<Tensor_attributes>;
  Graph& set_io_data_type(DataType_t value) { return io_ = value, *this; }
  Graph& set_intermediate_data_type(DataType_t value) { return intermediate_ = value, *this; }
  Graph& set_compute_data_type(DataType_t value) { return compute_ = value, *this; }
  Tensor tensor(const Tensor_attributes& attributes) {
    tensors_.push_back(std::make_shared<Tensor_attributes>(attributes));
    return tensors_.back();
  }
  /// {o, statistics}
  std::array<Tensor, 2> sdpa(Tensor q, Tensor k, Tensor v, SDPA_attributes attributes);

  error_t validate();
  error_t build_operation_graph(cudnnHandle_t handle);
  error_t create_execution_plans(const std::vector<HeurMode_t>& modes);
  Graph& deselect_workspace_greater_than(std::int64_t bytes) { return most_workspace_ = bytes, *this; }
  error_t check_support();
  error_t build_plans(BuildPlanPolicy_t policy);
  error_t get_workspace_size(std::int64_t& bytes) const;
  error_t execute(cudnnHandle_t handle, std::unordered_map<std::int64_t, void*>& tensors, void* workspace) const;

 private:
  enum class Stage { described, validated, lowered, asked, supported, built };
  error_t check_matrix(const Tensor& tensor, const char* what) const;
  error_t check_numbers(const Tensor& tensor, std::int64_t count, const char* what) const;

  DataType_t io_ = DataType_t::NOT_SET, intermediate_ = DataType_t::NOT_SET, compute_ = DataType_t::NOT_SET;
  std::vector<Tensor> tensors_;
  Tensor q_, k_, v_, o_;
  std::optional<SDPA_attributes> attention_;
  std::optional<std::int64_t> most_workspace_;
  Stage stage_ = Stage::described;
};

}  // namespace graph
}  // namespace cudnn_frontend
