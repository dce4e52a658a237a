#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <nvembed/cuda/check.hpp>
#include <utility>

namespace nvembed::cuda {

/// Runs `kernel` on `stream`; arguments are converted to its parameters. Nothing to do where the grid is empty. Throws
/// DeviceError.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
            Args&&... args) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  constexpr std::size_t without_asking = 48 << 10;  // more shared memory than that a kernel must be allowed
  if (shared_bytes > without_asking)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
          "shared memory of a kernel");
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Args>(args)...), "kernel launch");
}

}  // namespace nvembed::cuda
