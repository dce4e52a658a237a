#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/error.hpp>

namespace nvembed::cuda {

/// Throws DeviceError naming the device, what was asked of it and CUDA's reason, unless `status` is success.
inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) [[likely]]
    return;
  int device = -1;
  if (cudaGetDevice(&device) != cudaSuccess) device = -1;
  cudaGetLastError();  // not sticky errors are told once
  fail<DeviceError>("cuda", device < 0 ? std::string("no device") : cat("device ", device), ": ", what, ": ",
                    cudaGetErrorString(status), " (", cudaGetErrorName(status), ")");
}

}  // namespace nvembed::cuda
