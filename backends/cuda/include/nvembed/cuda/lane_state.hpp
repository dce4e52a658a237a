#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>

namespace nvembed::cuda {

/// What outlives one lane and serves the next: stream, staging memory, workspace.
struct LaneState {
  /// Pinned memory through which uploads go, a few chunks in turn: one is filled while others are on their way.
  struct Chunk {
    std::byte* data = nullptr;
    std::size_t used = 0;
    cudaEvent_t done = nullptr;  // recorded behind the last copy out of it
  };
  static constexpr std::size_t chunk_bytes = std::size_t{8} << 20;
  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what cuBLAS asks for on Hopper

  LaneState() = default;
  LaneState(const LaneState&) = delete;
  LaneState& operator=(const LaneState&) = delete;
  /// As far as it was made, on the thread's device.
  ~LaneState() {
    if (!stream) return;
    cudaStreamSynchronize(stream);
    for (const Chunk& chunk : chunks) {
      if (chunk.done) cudaEventDestroy(chunk.done);
      if (chunk.data) cudaFreeHost(chunk.data);
    }
    if (workspace) cudaFreeAsync(workspace, stream);
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
  }

  cudaStream_t stream = nullptr;
  std::array<Chunk, 4> chunks;
  std::size_t chunk = 0;
  void* workspace = nullptr;  // of the products
};

}  // namespace nvembed::cuda
