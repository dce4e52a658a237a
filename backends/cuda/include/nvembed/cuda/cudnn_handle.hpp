#pragma once

#if defined(NVEMBED_WITH_CUDNN)
#include <nvembed/core/config.hpp>

struct CUstream_st;   // cudaStream_t points to it
struct cudnnContext;  // cudnnHandle_t points to it

namespace nvembed::cuda {

/// cuDNN for the work of one stream, on the device that is the calling thread's; one thread at a time.
class CudnnHandle {
 public:
  /// Throws DeviceError with cuDNN's reason.
  NVEMBED_INLINE explicit CudnnHandle(CUstream_st* stream);
  CudnnHandle(const CudnnHandle&) = delete;
  CudnnHandle& operator=(const CudnnHandle&) = delete;
  NVEMBED_INLINE ~CudnnHandle();

  cudnnContext* get() const { return handle_; }

 private:
  cudnnContext* handle_ = nullptr;
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/cudnn_handle.inl>
#endif
#endif
