#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <nvembed/core/free_list.hpp>
#include <nvembed/core/huge_pages.hpp>
#include <nvembed/core/thread_pool.hpp>
#include <utility>

namespace nvembed {

/// Lane of every back end whose memory is the host's: a share in the back end's threads, and buffers that are reused.
/// One thread drives a lane; several lanes may run on one back end at once.
class HostLane {
 public:
  explicit HostLane(std::shared_ptr<ThreadPool> pool)
      : pool_(std::move(pool)), memory_(std::make_shared<Buffers>()), self_(std::make_unique<Worker>()) {}

  /// `bytes` bytes, 64-byte aligned, not zeroed. The buffer comes back to this lane's store when its last owner goes,
  /// on whatever thread, and even after the lane itself is gone.
  std::shared_ptr<std::byte> allocate(std::size_t bytes) {
    const std::size_t size = buffer_size(bytes);
    std::byte* p = nullptr;
    try {
      p = memory_->take(size);
    } catch (const std::bad_alloc&) {  // buffers of other sizes may lie idle
      memory_->clear();
      p = memory_->take(size);
    }
    return {p, [memory = memory_, size](std::byte* q) { memory->put(q, size); }};
  }
  void upload(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
  void download(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
  void synchronize() {}

  /// For passes that hold most of what they take until they end, as those of training: of what waits less is kept, and
  /// more taken anew.
  void keep_little() { memory_->keep_little(); }

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

  struct HostMemory {
    static std::byte* allocate(std::size_t size) { return huge_pages::allocate(size, Worker::alignment); }
    static void release(std::byte* p, std::size_t size) noexcept { huge_pages::release(p, size, Worker::alignment); }
  };

  using Buffers = FreeList<HostMemory>;

  std::shared_ptr<ThreadPool> pool_;
  std::shared_ptr<Buffers> memory_;
  std::unique_ptr<Worker> self_;
};

}  // namespace nvembed
