#pragma once

#include <nvembed/cuda/cudnn_attention.hpp>
#if defined(NVEMBED_WITH_CUDNN)
#include <cudnn.h>
#if !defined(CUDNN_FRONTEND_SKIP_JSON_LIB)
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#endif
#include <cudnn_frontend.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <nvembed/core/error.hpp>
#include <nvembed/cuda/batches.hpp>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/lane.hpp>
#include <nvembed/cuda/queue.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nvembed::cuda {
namespace detail {

namespace fe = cudnn_frontend;

/// Names of a plan's tensors.
enum CudnnTensor : std::int64_t {
  cudnn_q = 1,
  cudnn_k,
  cudnn_v,
  cudnn_y,
  cudnn_q_lengths,
  cudnn_k_lengths,
  cudnn_q_offsets,
  cudnn_k_offsets,
  cudnn_v_offsets,
  cudnn_y_offsets
};

inline Index rounded_up(Index n) {
  return static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(std::max<Index>(n, 1))));
}

}  // namespace detail

struct CudnnAttention::Plan {
  detail::fe::graph::Graph graph;
  std::size_t workspace_bytes = 0;
};

NVEMBED_INLINE void CudnnAttention::check_version() {
  const std::size_t found = cudnnGetVersion();
  require<DeviceError>(found >= oldest_version && found / 10000 == CUDNN_VERSION / 10000, "cuda",
                       "this program needs cuDNN ", CUDNN_VERSION / 10000, " of version ", oldest_version,
                       " or later, the library that was found calls itself ", found);
}
NVEMBED_INLINE CudnnAttention::CudnnAttention(cudaStream_t stream) : handle_(stream) {}
NVEMBED_INLINE CudnnAttention::~CudnnAttention() = default;

NVEMBED_INLINE bool CudnnAttention::run(Lane& lane, std::span<const Segment> segments, const CudnnAttentionArgs& args) {
  static_assert(sizeof(Call) == 12 * sizeof(void*), "calls are compared byte by byte");
  constexpr Index element_bytes = 2, alignment = 16;  // of addresses and rows, in bytes
  const auto fits = [](const void* p, Index stride) {
    return reinterpret_cast<std::uintptr_t>(p) % alignment == 0 && stride * element_bytes % alignment == 0;
  };
  if (args.head_dim % (alignment / element_bytes) != 0 || !fits(args.q, args.q_stride) ||
      !fits(args.k, args.k_stride) || !fits(args.v, args.v_stride) || !fits(args.y, args.y_stride))
    return false;
  // Offsets count elements in 32 bits.
  const Index widest = std::max({args.q_stride, args.k_stride, args.v_stride, args.y_stride});
  if (segments.empty() || args.rows > std::numeric_limits<std::int32_t>::max() / std::max<Index>(widest, 1))
    return false;
  Index end = 0, longest = shortest;
  for (const Segment& s : segments) {
    if (s.begin < end) return false;
    end = s.begin + s.size;
    longest = std::max(longest, s.size);
  }

  Shape shape;
  shape.type = static_cast<int>(args.type);
  shape.texts = detail::rounded_up(static_cast<Index>(segments.size()));
  shape.longest = detail::rounded_up(longest);
  shape.q_stride = args.q_stride, shape.k_stride = args.k_stride;
  shape.v_stride = args.v_stride, shape.y_stride = args.y_stride;
  shape.heads = args.heads, shape.kv_heads = args.kv_heads, shape.head_dim = args.head_dim;
  shape.scale_bits = std::bit_cast<std::uint32_t>(args.scale);
  // A bound that no text reaches is none.
  if (args.band.left < shape.longest - 1) shape.left = args.band.left;
  if (args.band.right < shape.longest - 1) shape.right = args.band.right;
  const Plan* const plan = find(lane, shape);
  if (!plan) return false;

  Batches& batches = lane.batches();
  const auto workspace = plan->workspace_bytes ? lane.allocate(plan->workspace_bytes) : nullptr;
  Call call{};
  call.plan = plan, call.handle = handle_.get();
  call.q = args.q, call.k = args.k, call.v = args.v, call.y = args.y, call.workspace = workspace.get();
  call.lengths = batches.lengths(lane, segments, args.rows, shape.texts);
  const auto offsets = [&](Index stride) { return batches.offsets(lane, segments, args.rows, shape.texts, stride); };
  call.q_offsets = offsets(args.q_stride), call.k_offsets = offsets(args.k_stride);
  call.v_offsets = offsets(args.v_stride), call.y_offsets = offsets(args.y_stride);
  lane.queue().push(
      [](cudaStream_t, const std::byte* arguments) {  // the handle knows the stream: it is the lane's
        Call c;
        std::memcpy(&c, arguments, sizeof c);
        enqueue(c);
      },
      std::as_bytes(std::span(&call, 1)), true);
  lane.device().count_cudnn_attention();
  return true;
}

NVEMBED_INLINE const CudnnAttention::Plan* CudnnAttention::find(Lane& lane, const Shape& shape) {
  if (const auto known = plans_.find(shape); known != plans_.end()) return known->second.get();
  if (plans_.size() == most) return nullptr;
  lane.device().use();  // the frontend asks for the thread's
  try {
    return plans_.emplace(shape, make(handle_.get(), shape)).first->second.get();
  } catch (const std::bad_alloc&) {  // another time, perhaps
    return nullptr;
  }
}

/// None where cuDNN has none. Its answers are not told apart: what it does not know comes as one status from this
/// version and as another from the next, some of it thrown. Throws std::bad_alloc where a plan that cuDNN has could not
/// be built.
NVEMBED_INLINE std::unique_ptr<const CudnnAttention::Plan> CudnnAttention::make(cudnnContext* handle,
                                                                                const Shape& shape) try {
  namespace fe = detail::fe;
  auto plan = std::make_unique<Plan>();
  fe::graph::Graph& graph = plan->graph;
  graph.set_io_data_type(shape.type == CUDA_R_16F ? fe::DataType_t::HALF : fe::DataType_t::BFLOAT16)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  const auto numbers = [&](std::int64_t uid, Index count) {
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_uid(uid)
                            .set_dim({count, 1, 1, 1})
                            .set_stride({1, 1, 1, 1})
                            .set_data_type(fe::DataType_t::INT32));
  };
  // (texts, heads, tokens, head_dim); where a text begins, its offset tells.
  const std::int64_t d = shape.head_dim;
  const auto strides = [&](Index row) { return std::vector<std::int64_t>{shape.longest * row, d, row, 1}; };
  const auto matrix = [&](std::int64_t uid, std::int64_t offsets, Index heads, Index row) {
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_uid(uid)
                            .set_dim({shape.texts, heads, shape.longest, d})
                            .set_stride(strides(row))
                            .set_ragged_offset(numbers(offsets, shape.texts + 1)));
  };
  const auto q = matrix(detail::cudnn_q, detail::cudnn_q_offsets, shape.heads, shape.q_stride);
  const auto k = matrix(detail::cudnn_k, detail::cudnn_k_offsets, shape.kv_heads, shape.k_stride);
  const auto v = matrix(detail::cudnn_v, detail::cudnn_v_offsets, shape.kv_heads, shape.v_stride);
  auto options = fe::graph::SDPA_attributes()
                     .set_name("attention")
                     .set_generate_stats(false)
                     .set_attn_scale(std::bit_cast<float>(shape.scale_bits))
                     .set_padding_mask(true)
                     .set_seq_len_q(numbers(detail::cudnn_q_lengths, shape.texts))
                     .set_seq_len_kv(numbers(detail::cudnn_k_lengths, shape.texts))
                     .set_diagonal_alignment(fe::DiagonalAlignment_t::TOP_LEFT);
  // cuDNN's left bound counts the query itself: key + bound > query. Its right one does not: key <= query + bound.
  if (shape.left >= 0) options.set_diagonal_band_left_bound(static_cast<int>(shape.left + 1));
  if (shape.right >= 0) options.set_diagonal_band_right_bound(static_cast<int>(shape.right));
  const auto y = graph.sdpa(q, k, v, options)[0];
  y->set_output(true)
      .set_uid(detail::cudnn_y)
      .set_dim({shape.texts, shape.heads, shape.longest, d})
      .set_stride(strides(shape.y_stride))
      .set_ragged_offset(numbers(detail::cudnn_y_offsets, shape.texts + 1));

  if (graph.validate().is_bad() || graph.build_operation_graph(handle).is_bad() ||
      graph.create_execution_plans({fe::HeurMode_t::A}).is_bad())
    return nullptr;
  graph.deselect_workspace_greater_than(static_cast<std::int64_t>(most_workspace_bytes));
  std::int64_t workspace_bytes = 0;
  if (graph.check_support().is_bad()) return nullptr;
  if (graph.build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE).is_bad() ||
      graph.get_workspace_size(workspace_bytes).is_bad())
    throw std::bad_alloc();
  plan->workspace_bytes = static_cast<std::size_t>(workspace_bytes);
  return plan;
} catch (const std::bad_alloc&) {
  throw;
} catch (const std::exception&) {
  return nullptr;
}

NVEMBED_INLINE void CudnnAttention::enqueue(const Call& call) {
  const auto numbers = [](const std::int32_t* p) { return static_cast<void*>(const_cast<std::int32_t*>(p)); };
  std::unordered_map<std::int64_t, void*> tensors{
      {detail::cudnn_q, const_cast<void*>(call.q)},       {detail::cudnn_k, const_cast<void*>(call.k)},
      {detail::cudnn_v, const_cast<void*>(call.v)},       {detail::cudnn_y, call.y},
      {detail::cudnn_q_lengths, numbers(call.lengths)},   {detail::cudnn_k_lengths, numbers(call.lengths)},
      {detail::cudnn_q_offsets, numbers(call.q_offsets)}, {detail::cudnn_k_offsets, numbers(call.k_offsets)},
      {detail::cudnn_v_offsets, numbers(call.v_offsets)}, {detail::cudnn_y_offsets, numbers(call.y_offsets)}};
  auto status = call.plan->graph.execute(call.handle, tensors, call.workspace);
  if (status.is_bad()) [[unlikely]]
    fail<DeviceError>("cuda", "cuDNN's attention: ", status.get_message());
}

}  // namespace nvembed::cuda
#endif
