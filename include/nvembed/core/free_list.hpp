#pragma once

#include <bit>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace nvembed {

/// Buffers of a lane that wait to be used again. `Memory` gives and takes back the memory itself:
/// `std::byte* allocate(size)` throws where there is none, `release(p, size)` never does. Buffers may come back on any
/// thread.
template <class Memory>
class FreeList {
 public:
  explicit FreeList(Memory memory = {}) : memory_(std::move(memory)) { free_.reserve(capacity); }
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;
  ~FreeList() { clear(); }

  /// What a buffer of `bytes` bytes takes: four sizes a power of two, so that a reused one wastes at most a quarter.
  static std::size_t size_class(std::size_t bytes) {
    if (bytes <= 256) return 256;
    const std::size_t step = std::bit_floor(bytes - 1) / 4;
    return (bytes + step - 1) / step * step;
  }

  /// A buffer of a size class.
  std::byte* take(std::size_t size) {
    {
      std::lock_guard lock(mutex_);
      for (std::size_t i = free_.size(); i-- > 0;)
        if (free_[i].first == size) {
          std::byte* p = free_[i].second;
          free_[i] = free_.back();
          free_.pop_back();
          return p;
        }
    }
    return memory_.allocate(size);
  }
  void put(std::byte* p, std::size_t size) noexcept {
    std::lock_guard lock(mutex_);
    if (free_.size() < capacity) {
      free_.emplace_back(size, p);  // capacity is reserved: cannot throw
    } else {                        // keep the newest sizes: a run with ever new shapes must not hoard
      memory_.release(free_[oldest_].second, free_[oldest_].first);
      free_[oldest_] = {size, p};
      oldest_ = (oldest_ + 1) % capacity;
    }
  }
  /// Gives back all that is not in use.
  void clear() noexcept {
    std::lock_guard lock(mutex_);
    for (auto& [size, p] : free_) memory_.release(p, size);
    free_.clear();
    oldest_ = 0;
  }

 private:
  static constexpr std::size_t capacity = 32;
  Memory memory_;
  std::mutex mutex_;
  std::vector<std::pair<std::size_t, std::byte*>> free_;
  std::size_t oldest_ = 0;
};

}  // namespace nvembed
