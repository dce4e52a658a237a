#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <nvembed/core/config.hpp>
#include <nvembed/core/free_list.hpp>
#include <nvembed/cuda/batches.hpp>
#include <nvembed/cuda/cudnn_attention.hpp>
#include <nvembed/cuda/queue.hpp>

namespace nvembed::cuda {

class Device;

/// What outlives one lane and serves the next: its queue, its workspace, and, while they are small, its buffers and
/// what it knows of batches: a pass that comes again finds the same memory, and the graph made of it.
struct LaneState {
  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what cuBLAS asks for on Hopper
  static constexpr std::size_t kept_bytes = std::size_t{512} << 20;

  /// Memory of the device's pool, given and taken back in the order of the queue.
  class Memory {
   public:
    Memory(const Device& device, Queue& queue) : device_(&device), queue_(&queue) {}

    NVEMBED_INLINE std::byte* allocate(std::size_t size);  // in lane.inl, as all that needs device and lane
    void release(std::byte* p, std::size_t) noexcept { queue_->retire(p); }

   private:
    const Device* device_;
    Queue* queue_;
  };

  NVEMBED_INLINE explicit LaneState(const Device& device);
  LaneState(const LaneState&) = delete;
  LaneState& operator=(const LaneState&) = delete;
  ~LaneState() {
    if (workspace) queue.retire(workspace);
  }

  /// A buffer of a size class that lives no longer than the state.
  std::shared_ptr<std::byte> keep(std::byte* p, std::size_t size) {
    return {p, [this, size](std::byte* q) { list.put(q, size); }};
  }
  /// Nothing runs any more: what the next lane may use stays.
  void rest() {
    if (list.bytes() > kept_bytes) clear();
  }
  void clear() {
    batches.clear();
    list.clear();
    queue.flush();
  }

  // Declared in this order: batches give their memory to the list, the list gives it to the queue, and the queue's
  // graphs hold kernels of plans.
#if defined(NVEMBED_WITH_CUDNN)
  std::unique_ptr<CudnnAttention> cudnn;  // made when it is first asked for
#endif
  Queue queue;
  FreeList<Memory> list;
  Batches batches;
  std::byte* workspace = nullptr;  // of the products
};

}  // namespace nvembed::cuda
