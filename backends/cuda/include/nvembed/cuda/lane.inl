#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/error.hpp>
#include <nvembed/core/free_list.hpp>
#include <nvembed/cuda/batches.hpp>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/lane.hpp>
#include <nvembed/cuda/lane_state.hpp>
#include <utility>

namespace nvembed::cuda {

struct Lane::Buffers {
  std::shared_ptr<const Device> device;
  std::unique_ptr<LaneState> state;

  Buffers(std::shared_ptr<const Device> d, std::unique_ptr<LaneState> s) : device(std::move(d)), state(std::move(s)) {}
  Buffers(const Buffers&) = delete;
  ~Buffers() { device->put_state(std::move(state)); }
};

NVEMBED_INLINE std::byte* LaneState::Memory::allocate(std::size_t size) {
  void* p = nullptr;
  device_->use();
  const cudaError_t status = cudaMallocFromPoolAsync(&p, size, device_->pool(), queue_->raw_stream());
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    fail<MemoryError>("cuda", "device ", device_->number(), " (", device_->name(), ") has ",
                      device_->free_memory() >> 20, " MiB free, ", (size >> 20) + 1, " MiB more are needed");
  }
  check(status, "allocation");
  return static_cast<std::byte*>(p);
}

NVEMBED_INLINE LaneState::LaneState(const Device& device) : queue(device.number()), list(Memory(device, queue)) {}

NVEMBED_INLINE std::shared_ptr<std::byte> Batches::uploaded(Lane& lane, const void* values, std::size_t bytes) {
  auto buffer = lane.allocate_for_batches(bytes);
  lane.upload(buffer.get(), values, bytes);
  return buffer;
}

NVEMBED_INLINE Lane::Lane(std::shared_ptr<const Device> device) {
  device->use();
  auto state = device->take_state();
  memory_ = std::make_shared<Buffers>(std::move(device), std::move(state));
}

NVEMBED_INLINE Lane::~Lane() {
  if (!memory_) return;
  try {
    memory_->state->queue.wait();
  } catch (const DeviceError&) {  // an error stays, for the next call to tell
  }
}

NVEMBED_INLINE std::byte* Lane::take(std::size_t size) {
  try {
    return memory_->state->list.take(size);
  } catch (const MemoryError&) {  // buffers of other sizes may lie idle, here and with lanes that are gone
    memory_->state->list.clear();
    synchronize();
    memory_->device->clear_states();
    return memory_->state->list.take(size);
  }
}

NVEMBED_INLINE std::shared_ptr<std::byte> Lane::allocate(std::size_t bytes) {
  const std::size_t size = buffer_size(bytes);
  return {take(size), [memory = memory_, size](std::byte* p) { memory->state->list.put(p, size); }};
}
NVEMBED_INLINE std::shared_ptr<std::byte> Lane::allocate_for_batches(std::size_t bytes) {
  const std::size_t size = buffer_size(bytes);
  return memory_->state->keep(take(size), size);
}

NVEMBED_INLINE void Lane::upload(void* to, const void* from, std::size_t bytes) {
  memory_->state->queue.upload(to, from, bytes);
}

NVEMBED_INLINE void Lane::download(void* to, const void* from, std::size_t bytes) {
  const cudaStream_t at = stream();
  if (bytes) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, at), "download");
  synchronize();
}

NVEMBED_INLINE void Lane::synchronize() { memory_->state->queue.wait(); }

NVEMBED_INLINE cudaStream_t Lane::stream() { return memory_->state->queue.stream(); }
NVEMBED_INLINE Queue& Lane::queue() { return memory_->state->queue; }
NVEMBED_INLINE Batches& Lane::batches() { return memory_->state->batches; }
NVEMBED_INLINE const Device& Lane::device() const { return *memory_->device; }
NVEMBED_INLINE void* Lane::workspace() {
  LaneState& s = *memory_->state;
  if (!s.workspace) s.workspace = take(LaneState::workspace_bytes);
  return s.workspace;
}
#if defined(NVEMBED_WITH_CUDNN)
NVEMBED_INLINE CudnnAttention& Lane::cudnn() {
  LaneState& s = *memory_->state;
  if (!s.cudnn) {
    memory_->device->use();
    s.cudnn = std::make_unique<CudnnAttention>(s.queue.raw_stream());
  }
  return *s.cudnn;
}
#endif

}  // namespace nvembed::cuda
