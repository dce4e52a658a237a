#pragma once
// What the emulator's parts know of each other.

#include <cuda_runtime.h>

#include <functional>
#include <mutex>
#include <random>
#include <string>

namespace emulator {

/// One lock for all: streams of several host threads take turns.
std::recursive_mutex& lock();

/// Runs the threads of a grid. Throws std::runtime_error for what would hang or be undefined on a device.
void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& thread);

/// Appends work to a stream (or the graph it is recording).
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);
/// Remembers and returns a status; `message` is told by cudaGetErrorString from then on.
cudaError_t failed(cudaError_t status, std::string message = {});
/// Whether [p, p + bytes) lies in one allocation of the device that is alive.
bool on_device(const void* p, std::size_t bytes);

}  // namespace emulator
