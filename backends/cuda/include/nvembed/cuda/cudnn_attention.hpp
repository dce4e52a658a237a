#pragma once

#if defined(NVEMBED_WITH_CUDNN)
#include <library_types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nvembed/core/config.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/cuda/band.hpp>
#include <nvembed/cuda/cudnn_handle.hpp>
#include <span>

namespace nvembed::cuda {

class Lane;

/// What cuDNN's attention works on: 16-bit matrices on the device, a row a token, strides in elements.
struct CudnnAttentionArgs {
  cudaDataType_t type = CUDA_R_16F;
  const void *q = nullptr, *k = nullptr, *v = nullptr;  // (rows, heads head_dim), (rows, kv_heads head_dim) twice
  void* y = nullptr;                                    // as q
  Index rows = 0, q_stride = 0, k_stride = 0, v_stride = 0, y_stride = 0;
  Index heads = 0, kv_heads = 0, head_dim = 0;
  float scale = 1;
  Band band;
};

/// Attention by cuDNN on one stream, inside each text of a packed batch, forward only. A plan for a shape is made once,
/// of the algorithm that cuDNN names first, and kept; so is that cuDNN has none. The number of texts and the longest
/// one are rounded up, so that few shapes stand for all batches. One thread at a time: not every engine's plans are
/// made for more.
class CudnnAttention {
 public:
  /// Throws DeviceError where the library is older than this code needs, or of another major version.
  NVEMBED_INLINE static void check_version();
  /// On the device that is the calling thread's. Throws DeviceError with cuDNN's reason.
  NVEMBED_INLINE explicit CudnnAttention(CUstream_st* stream);
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;
  NVEMBED_INLINE ~CudnnAttention();

  /// Asks for the attention of a batch. False: not for cuDNN, and nothing is asked for. Throws DeviceError.
  NVEMBED_INLINE bool run(Lane& lane, std::span<const Segment> segments, const CudnnAttentionArgs& args);

 private:
  /// What a plan may depend on.
  struct Shape {
    int type = 0;
    Index texts = 0, longest = 0;
    Index q_stride = 0, k_stride = 0, v_stride = 0, y_stride = 0;
    Index heads = 0, kv_heads = 0, head_dim = 0;
    std::uint32_t scale_bits = 0;
    Index left = -1, right = -1;
    auto operator<=>(const Shape&) const = default;
  };
  struct Plan;
  struct Call {
    const Plan* plan;
    cudnnContext* handle;
    const void *q, *k, *v;
    void *y, *workspace;
    const std::int32_t *lengths, *q_offsets, *k_offsets, *v_offsets, *y_offsets;
  };
  // A plan is never given up: CUDA graphs may hold its kernels, and held-back calls its address.
  static constexpr std::size_t most = 512;
  static constexpr std::size_t most_workspace_bytes = std::size_t{256} << 20;
  // cuDNN 9.19 names other kernels for a longest text of 1 and, on compute capability 10.0, of 128 than for 256 to
  // 16,384: a short text's bits would hang on its company.
  static constexpr Index shortest = 256;
  // Texts packed one behind the other: from 9.18.1 on below compute capability 9.0 too, and with all bands.
  static constexpr std::size_t oldest_version = 91801;

  NVEMBED_INLINE const Plan* find(Lane& lane, const Shape& shape);
  NVEMBED_INLINE static std::unique_ptr<const Plan> make(cudnnContext* handle, const Shape& shape);
  NVEMBED_INLINE static void enqueue(const Call& call);

  CudnnHandle handle_;
  std::map<Shape, std::unique_ptr<const Plan>> plans_;  // none: cuDNN has none
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/cudnn_attention.inl>
#endif
#endif
