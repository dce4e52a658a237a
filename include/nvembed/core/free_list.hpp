#pragma once

#include <bit>
#include <cstddef>
#include <functional>
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
  explicit FreeList(Memory memory = {}, std::size_t capacity = 32) : memory_(std::move(memory)), capacity_(capacity) {
    free_.reserve(capacity);
  }
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;
  ~FreeList() { clear(); }

  /// What a buffer of `bytes` bytes takes: four sizes a power of two, so that a reused one wastes at most a quarter.
  static std::size_t size_class(std::size_t bytes) {
    if (bytes <= 256) return 256;
    const std::size_t step = std::bit_floor(bytes - 1) / 4;
    return (bytes + step - 1) / step * step;
  }

  /// A buffer of a size class: that at the lowest address, so that a pass that comes again is given the same ones.
  std::byte* take(std::size_t size) {
    {
      std::lock_guard lock(mutex_);
      std::pair<std::size_t, std::byte*>* lowest = nullptr;
      for (auto& f : free_)
        if (f.first == size && (!lowest || std::less<>()(f.second, lowest->second))) lowest = &f;
      if (lowest) {
        std::byte* p = lowest->second;
        *lowest = free_.back();
        free_.pop_back();
        return p;
      }
    }
    return memory_.allocate(size);
  }
  void put(std::byte* p, std::size_t size) noexcept {
    std::lock_guard lock(mutex_);
    if (free_.size() < capacity_) {
      free_.emplace_back(size, p);  // capacity is reserved: cannot throw
    } else {                        // keep the newest sizes: a run with ever new shapes must not hoard
      memory_.release(free_[oldest_].second, free_[oldest_].first);
      free_[oldest_] = {size, p};
      oldest_ = (oldest_ + 1) % capacity_;
    }
  }
  /// Gives back all that is not in use.
  void clear() noexcept {
    std::lock_guard lock(mutex_);
    for (auto& [size, p] : free_) memory_.release(p, size);
    free_.clear();
    oldest_ = 0;
  }

  /// Of all that is not in use.
  std::size_t bytes() const {
    std::lock_guard lock(mutex_);
    std::size_t sum = 0;
    for (const auto& [size, p] : free_) sum += size;
    return sum;
  }

 private:
  Memory memory_;
  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<std::pair<std::size_t, std::byte*>> free_;
  std::size_t oldest_ = 0;
};

}  // namespace nvembed
