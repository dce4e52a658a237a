#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nvembed/core/config.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/cuda/eight_bit.hpp>
#include <nvembed/cuda/options.hpp>
#include <string>
#include <vector>

namespace nvembed::cuda {

struct LaneState;
class Products;

/// An open CUDA device: its memory pool, its cuBLASLt handle, the algorithms found for its products, and the states of
/// lanes that wait for the next one. Shared by all that runs on it.
class Device {
 public:
  /// Throws DeviceError where there is no driver, no such device, or a driver older than this program's CUDA runtime.
  NVEMBED_INLINE explicit Device(const Options& options);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  NVEMBED_INLINE ~Device();

  int number() const { return number_; }
  const std::string& name() const { return name_; }
  /// Compute capability, 90 for 9.0.
  int capability() const { return capability_; }
  cudaMemPool_t pool() const { return pool_; }
  const Products& products() const { return *products_; }
  /// What weights of a precision are multiplied in beside 16-bit activations, if not in their type.
  EightBit eight_bit(Precision precision) const {
    if (precision == Precision::fp8 && capability_ >= 89) return EightBit::e4m3;
    return precision == Precision::int8 && int8_products_ ? EightBit::int8 : EightBit::none;
  }
  /// Whether cuDNN is to be asked for attention.
  bool asks_cudnn() const { return asks_cudnn_; }
  void count_cudnn_attention() const { ++cudnn_attentions_; }
  std::uint64_t cudnn_attentions() const { return cudnn_attentions_; }

  /// Makes it the calling thread's device.
  NVEMBED_INLINE void use() const;
  NVEMBED_INLINE Index free_memory() const;

  NVEMBED_INLINE std::unique_ptr<LaneState> take_state() const;
  /// The memory that waiting states keep goes back.
  NVEMBED_INLINE void clear_states() const;
  NVEMBED_INLINE void put_state(std::unique_ptr<LaneState> state) const noexcept;

 private:
  int number_ = 0, capability_ = 0;
  bool int8_products_ = false, asks_cudnn_ = false;
  std::string name_;
  cudaMemPool_t pool_ = nullptr;
  std::unique_ptr<Products> products_;
  mutable std::atomic<std::uint64_t> cudnn_attentions_{0};
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<LaneState>> states_;
};

}  // namespace nvembed::cuda

#if !defined(NVEMBED_COMPILED)
#include <nvembed/cuda/device.inl>
#endif
