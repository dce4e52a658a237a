#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <vector>

#include "emulator.hpp"

/// A test begins and ends with an idle device in its first state, and leaves nothing behind.
struct Fresh {
  Fresh() { emulator::reset(); }
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;
  ~Fresh() {
    emulator::reset();
    const emulator::Statistics s = emulator::statistics();
    CHECK(s.live_allocations + s.live_pinned + s.live_streams + s.live_events + s.live_pools + s.live_graphs +
              s.live_cublas + s.live_cudnn ==
          0);
  }
};

template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t size) : size_(size) {
    REQUIRE(cudaMalloc(&data_, size * sizeof(T)) == cudaSuccess);
  }
  explicit DeviceBuffer(const std::vector<T>& values) : DeviceBuffer(values.size()) {
    REQUIRE(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { CHECK(cudaFree(data_) == cudaSuccess); }

  T* get() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> values(size_);
    REQUIRE(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};
