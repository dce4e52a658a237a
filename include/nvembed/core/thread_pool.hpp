#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <nvembed/core/shape.hpp>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace nvembed {

/// What one thread owns while it runs tasks: memory that grows and is reused from task to task.
class Worker {
 public:
  static constexpr std::size_t alignment = 64;

  /// At least `bytes` bytes, 64-byte aligned, not zeroed; valid until the next call.
  std::byte* scratch(std::size_t bytes) {
    if (bytes > size_) {
      const std::size_t size = (bytes + alignment - 1) / alignment * alignment;
      memory_.reset();
      size_ = 0;  // should the next line throw, nothing is held
      memory_.reset(static_cast<std::byte*>(::operator new (size, std::align_val_t{alignment})));
      size_ = size;
    }
    return memory_.get();
  }
  template <class T>
  T* scratch_as(Index n) {
    return reinterpret_cast<T*>(scratch(static_cast<std::size_t>(n) * sizeof(T)));
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{alignment}); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_ = 0;
};

/// Threads of the library's own. `run` cuts a job into numbered tasks; the calling thread works too, so a pool of n
/// threads starts n - 1. Several threads may call `run` at once: the workers then share themselves out. Which thread
/// runs a task is left open; results must not depend on it.
class ThreadPool {
 public:
  /// `threads` >= 1; `on_start` runs first on every started thread (a back end sets its libraries to one thread there).
  /// Throws Error where the system does not give that many.
  explicit ThreadPool(Index threads, const std::function<void()>& on_start = {}) {
    require<InputError>(threads >= 1 && threads <= 4096, "thread_pool", threads, " threads asked for; use 1 to 4096");
    try {
      for (Index t = 1; t < threads; ++t)
        threads_.emplace_back([this, on_start] {
          if (on_start) on_start();
          work();
        });
    } catch (const std::exception& e) {
      join();
      fail("thread_pool", "only ", size(), " of ", threads, " threads could be started: ", e.what());
    }
  }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() { join(); }

  Index size() const { return static_cast<Index>(threads_.size()) + 1; }

  /// Calls f(task, worker) for task = 0 .. tasks - 1 and returns when all are done. `self` is the calling thread's
  /// memory. The first exception of a task is thrown again here, after all running tasks have ended.
  template <class F>
  void run(Index tasks, Worker& self, F&& f) {
    if (tasks <= 0) return;
    if (tasks == 1 || threads_.empty()) {
      for (Index i = 0; i < tasks; ++i) f(i, self);
      return;
    }
    using Function = std::remove_reference_t<F>;
    Job job{tasks, const_cast<void*>(static_cast<const void*>(&f)),
            [](void* fn, Index i, Worker& w) { (*static_cast<Function*>(fn))(i, w); }};
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(&job);
    }
    if (tasks > 2)
      wake_.notify_all();
    else
      wake_.notify_one();
    job.take_all(self);
    std::unique_lock lock(mutex_);
    std::erase(jobs_, &job);
    done_.wait(lock, [&] { return job.helpers == 0; });
    if (job.error) std::rethrow_exception(job.error);
  }

 private:
  struct Job {
    Index tasks;
    void* function;
    void (*call)(void*, Index, Worker&);
    std::atomic<Index> next{0};
    Index helpers = 0;         // guarded by the pool's mutex
    std::exception_ptr error;  // written by the first task that throws
    std::atomic<bool> failed{false};

    Job(Index n, void* fn, void (*c)(void*, Index, Worker&)) : tasks(n), function(fn), call(c) {}
    void take_all(Worker& w) {
      for (Index i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
        try {
          call(function, i, w);
        } catch (...) {
          if (!failed.exchange(true)) error = std::current_exception();
          next.store(tasks, std::memory_order_relaxed);
        }
      }
    }
  };

  void join() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (auto& t : threads_) t.join();
  }

  void work() {
    Worker worker;
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      for (Job* j : jobs_)
        if (j->next.load(std::memory_order_relaxed) < j->tasks) {
          job = j;
          break;
        }
      if (!job) {
        if (stop_) return;
        wake_.wait(lock);
        continue;
      }
      ++job->helpers;
      lock.unlock();
      job->take_all(worker);
      lock.lock();
      if (--job->helpers == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<Job*> jobs_;
  std::vector<std::thread> threads_;
  bool stop_ = false;
};

}  // namespace nvembed
