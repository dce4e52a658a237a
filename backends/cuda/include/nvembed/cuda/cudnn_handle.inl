#pragma once

#include <nvembed/cuda/cudnn_handle.hpp>
#if defined(NVEMBED_WITH_CUDNN)
#include <cudnn.h>

#include <nvembed/core/error.hpp>

namespace nvembed::cuda {
namespace detail {

inline void check_cudnn(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
    fail<DeviceError>("cuda", "cuDNN: ", what, ": ", cudnnGetErrorString(status));
}

}  // namespace detail

NVEMBED_INLINE CudnnHandle::CudnnHandle(cudaStream_t stream) {
  detail::check_cudnn(cudnnCreate(&handle_), "a handle");
  const cudnnStatus_t status = cudnnSetStream(handle_, stream);
  if (status != CUDNN_STATUS_SUCCESS) cudnnDestroy(handle_);
  detail::check_cudnn(status, "the stream of a handle");
}

NVEMBED_INLINE CudnnHandle::~CudnnHandle() { cudnnDestroy(handle_); }

}  // namespace nvembed::cuda
#endif
