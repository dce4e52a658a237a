#pragma once

#include <cstddef>
#include <memory>
#include <nvembed/core/config.hpp>

struct CUstream_st;  // cudaStream_t points to it

namespace nvembed::cuda {

class Batches;
#if defined(NVEMBED_WITH_CUDNN)
class CudnnAttention;
#endif
class Device;
class Queue;

/// A stream of a CUDA device with its workspace, its pinned staging memory and the buffers it has used. Calls return
/// before the work is done; `download` and `synchronize` wait for it. Work of two lanes is not ordered.
class Lane {
 public:
  NVEMBED_INLINE explicit Lane(std::shared_ptr<const Device> device);
  /// Waits for its work: from here on other lanes may use what it has made.
  NVEMBED_INLINE ~Lane();
  Lane(Lane&&) noexcept = default;
  Lane& operator=(Lane&& other) noexcept {
    memory_.swap(other.memory_);
    return *this;
  }

  /// `bytes` bytes of device memory, 256-byte aligned, not zeroed, for work of this lane from here on. Throws
  /// MemoryError naming both numbers where the device has no more.
  NVEMBED_INLINE std::shared_ptr<std::byte> allocate(std::size_t bytes);
  /// The same for what `batches()` hold: it goes with them.
  NVEMBED_INLINE std::shared_ptr<std::byte> allocate_for_batches(std::size_t bytes);
  /// Host to device. `from` may change once the call is over: what does not fit into pinned memory at once waits for
  /// what went before.
  NVEMBED_INLINE void upload(void* to, const void* from, std::size_t bytes);
  /// Device to host, done on return.
  NVEMBED_INLINE void download(void* to, const void* from, std::size_t bytes);
  NVEMBED_INLINE void synchronize();

  /// Where kernels and products go.
  NVEMBED_INLINE Queue& queue();
  /// Its stream, for work of other makers, behind all that was asked for until now (later calls may be held back: ask
  /// again); the calling thread is then on its device.
  NVEMBED_INLINE CUstream_st* stream();
  NVEMBED_INLINE const Device& device() const;
  /// Device memory that products may use, `LaneState::workspace_bytes` of it.
  NVEMBED_INLINE void* workspace();
#if defined(NVEMBED_WITH_CUDNN)
  /// cuDNN on its stream.
  NVEMBED_INLINE CudnnAttention& cudnn();
#endif
  /// The batches whose segments are on the device.
  NVEMBED_INLINE Batches& batches();

 private:
  struct Buffers;

  NVEMBED_INLINE std::byte* take(std::size_t size);

  std::shared_ptr<Buffers> memory_;  // shared with every buffer that is still in use
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/lane.inl>
#endif
