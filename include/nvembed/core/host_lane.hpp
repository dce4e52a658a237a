#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <mutex>
#include <nvembed/core/thread_pool.hpp>
#include <utility>
#include <vector>

namespace nvembed {

/// Lane of every back end whose memory is the host's: a share in the back end's threads, and buffers that are reused.
/// One thread drives a lane; several lanes may run on one back end at once.
class HostLane {
 public:
  explicit HostLane(std::shared_ptr<ThreadPool> pool)
      : pool_(std::move(pool)), memory_(std::make_shared<FreeList>()), self_(std::make_unique<Worker>()) {}

  /// `bytes` bytes, 64-byte aligned, not zeroed. The buffer comes back to this lane's store when its last owner goes,
  /// on whatever thread, and even after the lane itself is gone.
  std::shared_ptr<std::byte> allocate(std::size_t bytes) {
    const std::size_t size = size_class(bytes);
    std::byte* p = memory_->take(size);
    return {p, [memory = memory_, size](std::byte* q) { memory->put(q, size); }};
  }
  void upload(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
  void download(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
  void synchronize() {}

  Index threads() const { return pool_->size(); }

  /// f(task, worker) for every task, on the pool's threads and this one.
  template <class F>
  void parallel_for(Index tasks, F&& f) {
    pool_->run(tasks, *self_, std::forward<F>(f));
  }

 private:
  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes) std::memcpy(to, from, bytes);
  }

  /// Four sizes a power of two, so that a reused buffer wastes at most a quarter.
  static std::size_t size_class(std::size_t bytes) {
    if (bytes <= 256) return 256;
    const std::size_t step = std::bit_floor(bytes - 1) / 4;
    return (bytes + step - 1) / step * step;
  }

  class FreeList {
   public:
    ~FreeList() {
      for (auto& [size, p] : free_) ::operator delete (p, std::align_val_t{Worker::alignment});
    }
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
      return static_cast<std::byte*>(::operator new (size, std::align_val_t{Worker::alignment}));
    }
    void put(std::byte* p, std::size_t size) noexcept {
      std::lock_guard lock(mutex_);
      if (free_.size() < capacity) {
        free_.emplace_back(size, p);  // capacity is reserved: cannot throw
      } else {                        // keep the newest sizes: a run with ever new shapes must not hoard
        ::operator delete (free_[oldest_].second, std::align_val_t{Worker::alignment});
        free_[oldest_] = {size, p};
        oldest_ = (oldest_ + 1) % capacity;
      }
    }
    FreeList() { free_.reserve(capacity); }

   private:
    static constexpr std::size_t capacity = 32;
    std::mutex mutex_;
    std::vector<std::pair<std::size_t, std::byte*>> free_;
    std::size_t oldest_ = 0;
  };

  std::shared_ptr<ThreadPool> pool_;
  std::shared_ptr<FreeList> memory_;
  std::unique_ptr<Worker> self_;
};

}  // namespace nvembed
