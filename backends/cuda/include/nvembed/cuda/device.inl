#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nvembed/cuda/check.hpp>
#include <nvembed/cuda/cudnn_attention.hpp>
#include <nvembed/cuda/device.hpp>
#include <nvembed/cuda/lane_state.hpp>
#include <nvembed/cuda/products.hpp>
#include <utility>

namespace nvembed::cuda {
namespace detail {

/// 13.0 for 13000, as CUDA counts versions.
inline std::string version(int v) { return cat(v / 1000, '.', v % 1000 / 10); }

}  // namespace detail

NVEMBED_INLINE Device::Device(const Options& options) : number_(options.device), int8_products_(options.int8_products) {
#if !defined(NVEMBED_WITH_CUDNN)
  require<DeviceError>(!options.cudnn_attention, "cuda",
                       "cuDNN's attention is not in this build; CMake's -DNVEMBED_WITH_CUDNN=ON adds it");
#endif
  int driver = 0, runtime = 0, count = 0;
  cudaRuntimeGetVersion(&runtime);
  const cudaError_t asked = cudaDriverGetVersion(&driver);
  require<DeviceError>(asked == cudaSuccess && driver > 0, "cuda",
                       "no NVIDIA driver is installed; another back end runs on the CPU");
  const cudaError_t found = cudaGetDeviceCount(&count);
  // Within one major version an older driver serves; CUDA says itself where it does not.
  require<DeviceError>(found != cudaErrorInsufficientDriver && driver / 1000 >= runtime / 1000, "cuda",
                       "the NVIDIA driver serves CUDA ", detail::version(driver), ", this program needs ",
                       detail::version(runtime), "; a newer driver helps, or a back end for the CPU");
  if (found == cudaErrorNoDevice)
    count = 0;
  else
    check(found, "looking for devices");
  require<DeviceError>(count > 0, "cuda", "this machine has no NVIDIA GPU; another back end runs on the CPU");
  require<DeviceError>(number_ >= 0 && number_ < count, "cuda", "there is no device ", number_, ", the last is ",
                       count - 1);
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, number_), "properties");
  name_ = properties.name;
  capability_ = properties.major * 10 + properties.minor;
  require<DeviceError>(capability_ >= 80, "cuda", "device ", number_, " (", name_, ") has compute capability ",
                       properties.major, '.', properties.minor, "; 8.0 or later is needed");
  use();
  cudaMemPoolProps wanted{};
  wanted.allocType = cudaMemAllocationTypePinned;
  wanted.location.type = cudaMemLocationTypeDevice;
  wanted.location.id = number_;
  check(cudaMemPoolCreate(&pool_, &wanted), "memory pool");
  try {
    std::uint64_t keep = std::numeric_limits<std::uint64_t>::max();  // freed memory stays for the next batch
    check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep), "memory pool");
    products_ = std::make_unique<Products>(options.tf32);
#if defined(NVEMBED_WITH_CUDNN)
    if (options.cudnn_attention) CudnnAttention::check_version();
    // Later chips: their kernels have not even been planned.
    asks_cudnn_ = options.cudnn_attention && capability_ < 120;
#endif
  } catch (...) {
    cudaMemPoolDestroy(pool_);
    throw;
  }
}

NVEMBED_INLINE Device::~Device() {
  cudaSetDevice(number_);
  states_.clear();
  products_.reset();
  cudaMemPoolDestroy(pool_);
}

NVEMBED_INLINE void Device::use() const {
  const cudaError_t status = cudaSetDevice(number_);
  if (status != cudaSuccess) [[unlikely]]
    fail<DeviceError>("cuda", "device ", number_, " (", name_, ") cannot be used: ", cudaGetErrorString(status), " (",
                      cudaGetErrorName(status), ")");
}

NVEMBED_INLINE Index Device::free_memory() const {
  use();
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "memory");
  std::uint64_t reserved = 0, used = 0;
  check(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved), "memory");
  check(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used), "memory");
  std::lock_guard lock(mutex_);
  for (const auto& state : states_) used -= std::min<std::uint64_t>(used, state->list.bytes());  // given back if needed
  return static_cast<Index>(free + (reserved - used));
}

NVEMBED_INLINE std::unique_ptr<LaneState> Device::take_state() const {
  {
    std::lock_guard lock(mutex_);
    if (!states_.empty()) {
      auto state = std::move(states_.back());
      states_.pop_back();
      return state;
    }
    states_.reserve(states_.capacity() + 1);  // so that putting it back cannot throw
  }
  return std::make_unique<LaneState>(*this);
}

NVEMBED_INLINE void Device::clear_states() const {
  std::lock_guard lock(mutex_);
  for (const auto& state : states_) {
    state->clear();
    state->queue.wait();
  }
}

NVEMBED_INLINE void Device::put_state(std::unique_ptr<LaneState> state) const noexcept {
  try {
    state->rest();
  } catch (const DeviceError&) {  // an error stays, for the next call to tell
  }
  if (state->queue.lost()) return;  // what it knows of batches may not be on the device
  std::lock_guard lock(mutex_);
  states_.push_back(std::move(state));
}

}  // namespace nvembed::cuda
