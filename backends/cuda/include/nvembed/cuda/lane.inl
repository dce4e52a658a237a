#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <nvembed/core/free_list.hpp>
#include <nvembed/cuda/batches.hpp>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/lane_state.hpp>
#include <utility>

namespace nvembed::cuda {

/// Memory of the device's pool, given and taken back in the order of a stream.
class Lane::Memory {
 public:
  Memory(std::shared_ptr<const Device> device, cudaStream_t stream) : device_(std::move(device)), stream_(stream) {}

  std::byte* allocate(std::size_t size) {
    void* p = nullptr;
    const cudaError_t status = cudaMallocFromPoolAsync(&p, size, device_->pool(), stream_);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      fail<MemoryError>("cuda", "device ", device_->number(), " (", device_->name(), ") has ",
                        device_->free_memory() >> 20, " MiB free, ", (size >> 20) + 1, " MiB more are needed");
    }
    check(status, "allocation");
    return static_cast<std::byte*>(p);
  }
  void release(std::byte* p, std::size_t) noexcept { cudaFreeAsync(p, stream_); }

 private:
  std::shared_ptr<const Device> device_;
  cudaStream_t stream_;
};

struct Lane::Buffers {
  // Declared in this order: memory goes back to the stream before the stream's state goes back to the device.
  std::shared_ptr<const Device> device;
  std::unique_ptr<LaneState> state;
  FreeList<Memory> list;

  Buffers(std::shared_ptr<const Device> d, std::unique_ptr<LaneState> s)
      : device(std::move(d)), state(std::move(s)), list(Memory(device, state->stream)) {}
  Buffers(const Buffers&) = delete;
  ~Buffers() {
    list.clear();
    device->put_state(std::move(state));
  }
};

NVEMBED_INLINE Lane::Lane(std::shared_ptr<const Device> device) {
  device->use();
  auto state = device->take_state();
  memory_ = std::make_shared<Buffers>(std::move(device), std::move(state));
  batches_ = std::make_shared<Batches>();
}

NVEMBED_INLINE Lane::~Lane() {
  if (memory_) cudaStreamSynchronize(memory_->state->stream);  // an error stays, for the next call to tell
}

NVEMBED_INLINE std::shared_ptr<std::byte> Lane::allocate(std::size_t bytes) {
  const std::size_t size = FreeList<Memory>::size_class(bytes);
  std::byte* p = nullptr;
  try {
    p = memory_->list.take(size);
  } catch (const MemoryError&) {  // buffers of other sizes may lie idle
    memory_->list.clear();
    synchronize();
    p = memory_->list.take(size);
  }
  return {p, [memory = memory_, size](std::byte* q) { memory->list.put(q, size); }};
}

NVEMBED_INLINE void Lane::upload(void* to, const void* from, std::size_t bytes) {
  LaneState& s = *memory_->state;
  const cudaStream_t at = stream();
  for (std::size_t done = 0; done < bytes;) {
    LaneState::Chunk* chunk = &s.chunks[s.chunk];
    if (chunk->used == LaneState::chunk_bytes) {
      check(cudaEventRecord(chunk->done, at), "upload");
      s.chunk = (s.chunk + 1) % s.chunks.size();
      chunk = &s.chunks[s.chunk];
      if (!chunk->data) {
        void* p = nullptr;
        check(cudaMallocHost(&p, LaneState::chunk_bytes), "pinned memory");
        chunk->data = static_cast<std::byte*>(p);
        check(cudaEventCreateWithFlags(&chunk->done, cudaEventDisableTiming), "upload");
      } else {
        check(cudaEventSynchronize(chunk->done), "upload");  // at once where the chunk has not been used
      }
      chunk->used = 0;
    }
    const std::size_t n = std::min(bytes - done, LaneState::chunk_bytes - chunk->used);
    std::memcpy(chunk->data + chunk->used, static_cast<const std::byte*>(from) + done, n);
    check(cudaMemcpyAsync(static_cast<std::byte*>(to) + done, chunk->data + chunk->used, n, cudaMemcpyHostToDevice, at),
          "upload");
    constexpr std::size_t alignment = 256;
    chunk->used = std::min(LaneState::chunk_bytes, (chunk->used + n + alignment - 1) / alignment * alignment);
    done += n;
  }
}

NVEMBED_INLINE void Lane::download(void* to, const void* from, std::size_t bytes) {
  const cudaStream_t at = stream();
  if (bytes) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, at), "download");
  check(cudaStreamSynchronize(at), "download");
}

NVEMBED_INLINE void Lane::synchronize() { check(cudaStreamSynchronize(stream()), "synchronisation"); }

NVEMBED_INLINE cudaStream_t Lane::stream() {
  memory_->device->use();
  return memory_->state->stream;
}
NVEMBED_INLINE const Device& Lane::device() const { return *memory_->device; }
NVEMBED_INLINE void* Lane::workspace() {
  LaneState& s = *memory_->state;
  if (!s.workspace)
    check(cudaMallocFromPoolAsync(&s.workspace, LaneState::workspace_bytes, memory_->device->pool(), stream()),
          "workspace");
  return s.workspace;
}

}  // namespace nvembed::cuda
