// Blocks of threads on one thread of the host. Each thread that has to wait for others is a fiber; one that never does
// runs to its end on the fiber of the one before.
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "emulator.hpp"
#include "internal.hpp"

namespace emulator {
namespace {

namespace context = boost::context;

struct Order {
  Schedule schedule = Schedule::forward;
  std::mt19937_64 random;
} order;

/// Threads that may run.
class Queue {
 public:
  bool empty() const { return first_ == threads_.size(); }
  void push(int t) { threads_.push_back(t); }
  int pop() {
    if (order.schedule == Schedule::forward) {
      const int t = threads_[first_++];
      if (empty()) clear();
      return t;
    }
    if (order.schedule == Schedule::shuffled)
      std::swap(threads_[first_ + order.random() % (threads_.size() - first_)], threads_.back());
    const int t = threads_.back();
    threads_.pop_back();
    if (empty()) clear();
    return t;
  }
  void clear() {
    threads_.clear();
    first_ = 0;
  }
  void fill(int n) {
    threads_.resize(static_cast<std::size_t>(n));
    std::iota(threads_.begin(), threads_.end(), 0);
    first_ = 0;
  }

 private:
  std::vector<int> threads_;
  std::size_t first_ = 0;
};

struct Copy {
  void* to;
  const void* from;  // none: zeros
};

class Block {
 public:
  Block(dim3 size, std::size_t shared_bytes, const std::function<void()>& thread)
      : size_(size), count_(static_cast<int>(size.x * size.y * size.z)), thread_(thread), shared_bytes_(shared_bytes) {
    warps_.resize(static_cast<std::size_t>((count_ + 31) / 32));
  }

  void run() {
    const auto n = static_cast<std::size_t>(count_);
    // Exactly as large as asked for, so that a sanitizer sees what reaches beyond; filled with no numbers.
    const std::size_t rounded = (shared_bytes_ + 15) / 16 * 16;
    shared_.reset(static_cast<std::byte*>(std::aligned_alloc(16, std::max<std::size_t>(rounded, 16))));
    std::memset(shared_.get(), 0xff, std::max<std::size_t>(rounded, 16));
    state_.assign(n, State::fresh);
    strands_.assign(n, nullptr);
    copies_.assign(n, {});
    fresh_.fill(count_);
    ready_.clear();
    live_ = count_;
    at_barrier_ = 0;
    for (Warp& w : warps_) w = {};
    Block* outer = current;
    current = this;
    try {
      while (live_ > 0) {
        if (error_) std::rethrow_exception(error_);
        if (!ready_.empty()) {
          resume(strands_[static_cast<std::size_t>(ready_.pop())]);
        } else if (!fresh_.empty()) {
          start();
        } else if (at_barrier_ == live_ && live_ > 0) {
          release_barrier();
        } else {
          throw std::runtime_error("threads of a block wait for others that never come");
        }
      }
      if (error_) std::rethrow_exception(error_);
    } catch (...) {
      current = outer;
      idle_.clear();
      all_.clear();
      throw;
    }
    current = outer;
  }

  void barrier() {
    ++at_barrier_;
    wait(State::barrier);
  }

  void warp(Together kind, unsigned mask, void* request, void (*complete)(void* const (&)[32])) {
    const int lane = running_ % 32;
    Warp& w = warps_[static_cast<std::size_t>(running_ / 32)];
    if (!(mask >> lane & 1)) throw std::runtime_error("a lane takes part in what its mask leaves it out of");
    const unsigned present = lanes_of(running_ / 32);
    if ((mask & present) != mask && mask != 0xffffffffu)
      throw std::runtime_error("a mask names lanes that the warp does not have");
    if (w.exited & mask) throw std::runtime_error("a warp acts together after some of its lanes have ended");
    if (w.arrived == 0) {
      w.kind = kind, w.mask = mask & present;
    } else if (w.kind != kind || w.mask != (mask & present)) {
      throw std::runtime_error("lanes of a warp wait for different things");
    }
    w.arrived |= 1u << lane;
    w.requests[lane] = request ? request : &w;
    if (w.arrived != w.mask) {
      wait(State::warp);
      return;
    }
    void* requests[32];
    for (int i = 0; i < 32; ++i) requests[i] = w.arrived >> i & 1 ? w.requests[i] : nullptr;
    w.arrived = 0;
    complete(requests);
    for (int i = 0; i < 32; ++i)
      if (i != lane && (w.mask >> i & 1)) {
        const int t = running_ / 32 * 32 + i;
        state_[static_cast<std::size_t>(t)] = State::ready;
        ready_.push(t);
      }
  }

  std::byte* shared() { return shared_.get(); }

  void copy(void* to, const void* from) {
    std::memset(to, 0xff, 16);  // nobody may read it before it has been waited for
    copies_[static_cast<std::size_t>(running_)].open.push_back({to, from});
  }
  void commit() {
    auto& c = copies_[static_cast<std::size_t>(running_)];
    c.groups.push_back(std::move(c.open));
    c.open.clear();
  }
  void wait_copies(int groups) {
    auto& c = copies_[static_cast<std::size_t>(running_)];
    while (static_cast<int>(c.groups.size()) > groups) {
      for (const Copy& x : c.groups.front())
        if (x.from)
          std::memcpy(x.to, x.from, 16);
        else
          std::memset(x.to, 0, 16);
      c.groups.erase(c.groups.begin());
    }
  }

  static thread_local Block* current;

 private:
  enum class State : std::uint8_t { fresh, ready, barrier, warp, done };
  struct Warp {
    unsigned arrived = 0, mask = 0, exited = 0;
    Together kind{};
    void* requests[32] = {};
  };
  struct Copies {
    std::vector<Copy> open;
    std::vector<std::vector<Copy>> groups;
  };
  /// A fiber: runs fresh threads, one after the other, until one of them waits.
  struct Strand {
    context::fiber self, caller;
  };
  struct FreeBytes {
    void operator()(std::byte* p) const { std::free(p); }
  };

  unsigned lanes_of(int warp) const {
    const int lanes = std::min(32, count_ - warp * 32);
    return lanes == 32 ? 0xffffffffu : (1u << lanes) - 1;
  }

  void become(int t) {
    running_ = t;
    const auto u = static_cast<unsigned>(t);
    threadIdx = {u % size_.x, u / size_.x % size_.y, u / (size_.x * size_.y)};
  }

  void start() {
    Strand* s;
    if (!idle_.empty()) {
      s = idle_.back();
      idle_.pop_back();
    } else {
      s = all_.emplace_back(std::make_unique<Strand>()).get();
      s->self = context::fiber(std::allocator_arg, context::fixedsize_stack(std::size_t{128} << 10),
                               [this, s](context::fiber&& caller) {
                                 s->caller = std::move(caller);
                                 for (;;) {
                                   work();
                                   idle_.push_back(s);
                                   s->caller = std::move(s->caller).resume();
                                   strand_ = s;
                                 }
                                 return std::move(s->caller);
                               });
    }
    resume(s);
  }

  void work() {
    while (!fresh_.empty() && !error_) {
      become(fresh_.pop());
      try {
        thread_();
      } catch (const context::detail::forced_unwind&) {
        throw;
      } catch (...) {
        error_ = std::current_exception();
      }
      state_[static_cast<std::size_t>(running_)] = State::done;
      warps_[static_cast<std::size_t>(running_ / 32)].exited |= 1u << (running_ % 32);
      --live_;
      if (resumed_) {  // this thread had waited: others may, too
        resumed_ = false;
        return;
      }
    }
  }

  void resume(Strand* s) {
    strand_ = s;
    s->self = std::move(s->self).resume();
  }

  void wait(State state) {
    const int t = running_;
    Strand* s = strand_;
    state_[static_cast<std::size_t>(t)] = state;
    strands_[static_cast<std::size_t>(t)] = s;
    s->caller = std::move(s->caller).resume();
    strand_ = s;
    become(t);
    resumed_ = true;
    if (error_) throw std::runtime_error("another thread of the block has failed");
  }

  void release_barrier() {
    at_barrier_ = 0;
    for (int t = 0; t < count_; ++t)
      if (state_[static_cast<std::size_t>(t)] == State::barrier) {
        state_[static_cast<std::size_t>(t)] = State::ready;
        ready_.push(t);
      }
  }

  dim3 size_;
  int count_, live_ = 0, at_barrier_ = 0, running_ = 0;
  bool resumed_ = false;
  const std::function<void()>& thread_;
  std::size_t shared_bytes_;
  std::unique_ptr<std::byte, FreeBytes> shared_;
  std::vector<State> state_;
  std::vector<Strand*> strands_;
  Queue fresh_, ready_;
  std::vector<Warp> warps_;
  std::vector<Copies> copies_;
  std::exception_ptr error_;
  Strand* strand_ = nullptr;
  std::vector<std::unique_ptr<Strand>> all_;
  std::vector<Strand*> idle_;
};

thread_local Block* Block::current = nullptr;

Block& running(const char* what) {
  if (!Block::current) throw std::runtime_error(std::string(what) + " outside a kernel");
  return *Block::current;
}

}  // namespace

void set_schedule(Schedule schedule, std::uint64_t seed) {
  std::lock_guard guard(lock());
  order.schedule = schedule;
  order.random.seed(seed);
}

void run_grid(dim3 grid, dim3 size, std::size_t shared_bytes, const std::function<void()>& thread) {
  blockDim = size;
  gridDim = grid;
  const std::uint64_t count = std::uint64_t{grid.x} * grid.y * grid.z;
  std::vector<std::uint32_t> shuffled;
  if (order.schedule == Schedule::shuffled) {
    shuffled.resize(count);
    std::iota(shuffled.begin(), shuffled.end(), 0u);
    std::shuffle(shuffled.begin(), shuffled.end(), order.random);
  }
  Block block(size, shared_bytes, thread);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t b = order.schedule == Schedule::forward    ? i
                            : order.schedule == Schedule::backward ? count - 1 - i
                                                                   : shuffled[i];
    blockIdx = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                static_cast<unsigned>(b / (std::uint64_t{grid.x} * grid.y))};
    block.run();
  }
}

void barrier() { running("__syncthreads").barrier(); }
void warp(Together kind, unsigned mask, void* request, void (*complete)(void* const (&)[32])) {
  running("a warp's instruction").warp(kind, mask, request, complete);
}
std::byte* shared_memory() { return running("shared memory").shared(); }
void copy_async(void* shared, const void* global, bool valid) {
  running("cp.async").copy(shared, valid ? global : nullptr);
}
void commit_async() { running("cp.async").commit(); }
void wait_async(int groups) { running("cp.async").wait_copies(groups); }
void require_aligned(const void* p, std::size_t alignment, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(p) % alignment)
    throw std::runtime_error(std::string(what) + " an address that is not aligned");
}

}  // namespace emulator
