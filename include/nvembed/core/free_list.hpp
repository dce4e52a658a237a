#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace nvembed {

/// What a buffer of `bytes` bytes takes: four sizes a power of two, so that a reused one wastes at most a quarter.
inline std::size_t buffer_size(std::size_t bytes) {
  if (bytes <= 256) return 256;
  const std::size_t step = std::bit_floor(bytes - 1) / 4;
  return (bytes + step - 1) / step * step;
}

/// Buffers of a lane that wait to be used again: with those in use never more than twice what was in use at once at the
/// peak, so that ever new shapes do not hoard, and a pass that comes again finds all of its sizes. `Memory` gives
/// and takes back the memory itself: `std::byte* allocate(size)` throws where there is none, `release(p, size)` never
/// does. Buffers may come back on any thread.
template <class Memory>
class FreeList {
 public:
  explicit FreeList(Memory memory = {}) : memory_(std::move(memory)) {}
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;
  ~FreeList() { clear(); }

  /// A buffer of a size class: that at the lowest address, so that a pass that comes again is given the same ones.
  std::byte* take(std::size_t size) {
    std::lock_guard lock(mutex_);
    auto lowest = free_.end();
    for (auto f = free_.begin(); f != free_.end(); ++f)
      if (f->first == size && (lowest == free_.end() || std::less<>()(f->second, lowest->second))) lowest = f;
    std::byte* p = nullptr;
    if (lowest != free_.end()) {
      p = lowest->second;
      free_.erase(lowest);
      waiting_ -= size;
    } else {
      const std::size_t peak = std::max(peak_, used_ + size);
      auto gone = free_.begin();  // the oldest, whose sizes are wanted least
      for (; gone != free_.end() && used_ + size + waiting_ > times_ * peak; ++gone) {
        memory_.release(gone->second, gone->first);
        waiting_ -= gone->first;
      }
      free_.erase(free_.begin(), gone);
      free_.reserve(free_.size() + buffers_in_use_ + 1);  // `put` cannot throw
      p = memory_.allocate(size);
    }
    used_ += size;
    peak_ = std::max(peak_, used_);
    ++buffers_in_use_;
    return p;
  }
  void put(std::byte* p, std::size_t size) noexcept {
    std::lock_guard lock(mutex_);
    free_.emplace_back(size, p);
    used_ -= size, waiting_ += size;
    --buffers_in_use_;
  }
  /// From now on no more than what was in use at the peak, for passes that take nearly all of it at once.
  void keep_little() {
    std::lock_guard lock(mutex_);
    times_ = 1;
  }
  /// Gives back all that is not in use.
  void clear() noexcept {
    std::lock_guard lock(mutex_);
    for (auto& [size, p] : free_) memory_.release(p, size);
    free_.clear();
    waiting_ = 0, peak_ = used_;
  }

  /// Of all that is not in use.
  std::size_t bytes() const {
    std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  Memory memory_;
  std::size_t times_ = 2;  // the peak
  mutable std::mutex mutex_;
  std::vector<std::pair<std::size_t, std::byte*>> free_;  // the oldest first
  std::size_t used_ = 0, waiting_ = 0, peak_ = 0;         // bytes in use, of `free_`, in use at most
  std::size_t buffers_in_use_ = 0;
};

}  // namespace nvembed
