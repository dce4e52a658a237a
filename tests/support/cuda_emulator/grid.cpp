#include "grid.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <cuda_emulator/device.hpp>
#include <exception>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "emulator.hpp"
#include "fibers.hpp"
#include "schedule.hpp"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
unsigned emulator::detail::current_lane = 0;

namespace emulator {

Order& order() {
  static Order value;
  return value;
}

namespace {

using detail::WarpOperation;

struct Aborted {};  // unwinds the threads of a block in which one has failed

struct AsyncCopy {
  void* to;
  const void* from;
};

struct Thread {
  Fiber* fiber = nullptr;  // none: not started, or ended
  uint3 index{};
  std::vector<AsyncCopy> copies;        // not waited for, oldest first
  std::vector<std::size_t> group_ends;  // of committed groups, in copies
};

struct Warp {
  unsigned exists = 0, started = 0, ended = 0;
  unsigned ready = 0;       // to be run next: not started, or what it waited for has come
  unsigned at_barrier = 0;  // __syncthreads
  unsigned meeting = 0;     // in a meeting of the warp, with:
  unsigned mask[32];
  WarpOperation operation[32];
  void* operand[32];
};

#ifndef CUDA_EMULATOR_ASAN  // it sees overruns itself
constexpr std::size_t canary_bytes = 64;
constexpr unsigned char canary = 0xC5;
#endif

class Block {
 public:
  void run(const Launch& launch);

  void meet_block();
  void meet_warp(unsigned mask, WarpOperation operation, void* operand);
  void copy_async(void* to, const void* from);
  void wait_async(std::size_t groups_left);
  unsigned current() const { return fibers_.current()->thread; }
  Thread& thread() { return threads_[current()]; }
  std::byte* shared() { return shared_.get(); }

  static void fiber_loop();

 private:
  void run_block();
  void make_ready(unsigned warp, unsigned lanes) {
    warps_[warp].ready |= lanes;
    if (lanes != 0) ready_warps_ |= 1u << warp;
  }
  int pick();
  void enter(unsigned thread);
  void run_threads();
  void give_way();
  void end(unsigned thread);
  void release_barrier();
  bool complete(Warp& warp, unsigned mask, bool ended_count);
  void finish_meeting(unsigned warp, unsigned lane);
  void abort(std::exception_ptr error);
  Error undefined(const std::string& text, int thread = -1) const;
  Error deadlock() const;

  const Launch* launch_ = nullptr;
  std::vector<Thread> threads_;
  Warp warps_[32];
  unsigned size_ = 0, warp_count_ = 0, ready_warps_ = 0, arrived_ = 0, ended_ = 0;
  bool aborting_ = false, copied_ = false;
  std::exception_ptr error_;
  std::unique_ptr<std::byte, decltype(&std::free)> shared_{nullptr, std::free};
  Fibers fibers_{fiber_loop};
};

Block& block() {
  static auto* value = new Block;  // fibers that wait are never unwound
  return *value;
}

Error Block::undefined(const std::string& text, int thread) const {
  std::ostringstream s;
  const auto triple = [&s](const auto& v) { s << '(' << v.x << ", " << v.y << ", " << v.z << ')'; };
  s << "kernel " << symbol_name(launch_->kernel) << " <<<";
  triple(launch_->grid);
  s << ", ";
  triple(launch_->block);
  s << ", " << launch_->shared_bytes << ">>>, block ";
  triple(blockIdx);
  if (thread >= 0) {
    s << ", thread ";
    triple(threads_[static_cast<std::size_t>(thread)].index);
  }
  s << ": " << text;
  return Error(s.str());
}

Error Block::deadlock() const {
  unsigned in_warp = 0;
  for (unsigned w = 0; w < warp_count_; ++w) in_warp += static_cast<unsigned>(std::popcount(warps_[w].meeting));
  std::ostringstream s;
  s << "deadlock: of " << size_ << " threads " << arrived_ << " wait at __syncthreads, " << in_warp
    << " for lanes of their warp, " << ended_ << " have ended";
  return undefined(s.str());
}

int Block::pick() {
  if (ready_warps_ == 0) return -1;
  const unsigned w = order().pick(ready_warps_);
  Warp& warp = warps_[w];
  const unsigned lane = order().pick(warp.ready);
  warp.ready &= ~(1u << lane);
  if (warp.ready == 0) ready_warps_ &= ~(1u << w);
  return static_cast<int>(w * 32 + lane);
}

void Block::enter(unsigned thread) {
  threadIdx = threads_[thread].index;
  detail::current_lane = thread % 32;
}

/// The first error of a block counts; all threads that have started leave by an exception.
void Block::abort(std::exception_ptr error) {
  if (aborting_) return;
  aborting_ = true;
  error_ = std::move(error);
  ready_warps_ = 0;
  for (unsigned w = 0; w < warp_count_; ++w) {
    warps_[w].ready = 0;
    warps_[w].at_barrier = warps_[w].meeting = 0;
    make_ready(w, warps_[w].started & ~warps_[w].ended);
  }
}

void Block::fiber_loop() { block().run_threads(); }

void Block::run_threads() {
  for (;;) {
    Fiber* self = fibers_.current();
    const unsigned id = self->thread;
    Warp& warp = warps_[id / 32];
    warp.started |= 1u << id % 32;
    enter(id);
    std::exception_ptr error;
    try {
      launch_->thread();
      warp.ended |= 1u << id % 32;
      ++ended_;
      end(id);
    } catch (const Aborted&) {
    } catch (...) {
      error = std::current_exception();
    }
    warp.ended |= 1u << id % 32;
    threads_[id].fiber = nullptr;
    if (error) abort(std::move(error));
    int next = pick();
    if (next < 0 && !aborting_ && ended_ < size_) {
      abort(std::make_exception_ptr(deadlock()));
      next = pick();
    }
    if (next < 0) {
      fibers_.release(self);
      fibers_.switch_to(fibers_.main());
      continue;
    }
    Thread& to = threads_[static_cast<unsigned>(next)];
    if (to.fiber != nullptr) {
      fibers_.release(self);
      fibers_.switch_to(to.fiber);
      continue;
    }
    self->thread = static_cast<unsigned>(next);
    to.fiber = self;
  }
}

/// Called by a thread that waits, or is ready again.
void Block::give_way() {
  Fiber* self = fibers_.current();
  const unsigned id = self->thread;
  const int next = pick();
  if (next < 0) throw deadlock();
  if (static_cast<unsigned>(next) == id) return;
  Thread& to = threads_[static_cast<unsigned>(next)];
  if (to.fiber == nullptr) {
    to.fiber = fibers_.take();
    to.fiber->thread = static_cast<unsigned>(next);
  }
  fibers_.switch_to(to.fiber);
  enter(id);
  if (aborting_) throw Aborted{};
}

void Block::release_barrier() {
  arrived_ = 0;
  for (unsigned w = 0; w < warp_count_; ++w) {
    make_ready(w, warps_[w].at_barrier);
    warps_[w].at_barrier = 0;
  }
}

void Block::meet_block() {
  if (aborting_) throw Aborted{};
  const unsigned id = current();
  warps_[id / 32].at_barrier |= 1u << id % 32;
  if (++arrived_ + ended_ == size_) release_barrier();
  give_way();
}

bool Block::complete(Warp& warp, unsigned mask, bool ended_count) {
  const unsigned there = warp.meeting | (ended_count ? warp.ended | ~warp.exists : 0u);
  return (there & mask) == mask;
}

/// All lanes that `lane` waits for are there.
void Block::finish_meeting(unsigned w, unsigned lane) {
  Warp& warp = warps_[w];
  const unsigned mask = warp.mask[lane], lanes = mask & warp.meeting;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    const auto other = static_cast<unsigned>(std::countr_zero(rest));
    if (warp.mask[other] != mask || warp.operation[other] != warp.operation[lane])
      throw undefined("divergence: lanes " + std::to_string(lane) + " and " + std::to_string(other) +
                          " of a warp meet with different masks or in different operations",
                      static_cast<int>(w * 32 + lane));
  }
  if (warp.operation[lane] != nullptr) {
    try {
      warp.operation[lane](mask, warp.operand);
    } catch (const Error& e) {
      throw undefined(e.what(), static_cast<int>(w * 32 + lane));
    }
  }
  warp.meeting &= ~lanes;
  make_ready(w, lanes);
}

void Block::meet_warp(unsigned mask, WarpOperation operation, void* operand) {
  if (aborting_) throw Aborted{};
  const unsigned id = current(), w = id / 32, lane = id % 32;
  Warp& warp = warps_[w];
  if ((mask >> lane & 1u) == 0)
    throw undefined("the mask of a warp's operation leaves out the lane that calls it", static_cast<int>(id));
  if (operation != nullptr && (mask & (warp.ended | ~warp.exists)) != 0)
    throw undefined("divergence: the mask of a warp's operation names lanes that have ended or are not there",
                    static_cast<int>(id));
  warp.mask[lane] = mask;
  warp.operation[lane] = operation;
  warp.operand[lane] = operand;
  warp.meeting |= 1u << lane;
  if (complete(warp, mask, operation == nullptr)) finish_meeting(w, lane);
  give_way();
}

/// A thread has ended: who waits for it?
void Block::end(unsigned id) {
  if (aborting_) return;
  if (arrived_ != 0 && arrived_ + ended_ == size_) release_barrier();
  Warp& warp = warps_[id / 32];
  for (unsigned rest = warp.meeting; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    if ((warp.meeting >> lane & 1u) == 0 || (warp.mask[lane] >> id % 32 & 1u) == 0) continue;
    if (warp.operation[lane] != nullptr)
      throw undefined("divergence: a thread ends while lane " + std::to_string(lane) + " of its warp waits for it",
                      static_cast<int>(id));
    if (complete(warp, warp.mask[lane], true)) finish_meeting(id / 32, lane);
  }
}

void Block::copy_async(void* to, const void* from) {
  const auto misaligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 != 0; };
  if (misaligned(to) || misaligned(from))
    throw undefined("cp.async of 16 bytes: an address is not 16-byte aligned", static_cast<int>(current()));
  std::memset(to, 0xFF, 16);
  thread().copies.push_back({to, from});
  copied_ = true;
}

void Block::wait_async(std::size_t groups_left) {
  Thread& t = thread();
  if (t.group_ends.size() <= groups_left) return;
  const std::size_t groups = t.group_ends.size() - groups_left, copies = t.group_ends[groups - 1];
  for (std::size_t i = 0; i < copies; ++i) {
    if (t.copies[i].from != nullptr)
      std::memcpy(t.copies[i].to, t.copies[i].from, 16);
    else
      std::memset(t.copies[i].to, 0, 16);
  }
  t.copies.erase(t.copies.begin(), t.copies.begin() + static_cast<std::ptrdiff_t>(copies));
  t.group_ends.erase(t.group_ends.begin(), t.group_ends.begin() + static_cast<std::ptrdiff_t>(groups));
  for (std::size_t& end : t.group_ends) end -= copies;
}

void Block::run_block() {
  if (launch_->shared_bytes != 0) std::memset(shared_.get(), 0xFF, launch_->shared_bytes);
  for (unsigned w = 0; w < warp_count_; ++w) {
    Warp& warp = warps_[w];
    warp.exists = size_ - w * 32 >= 32 ? 0xffffffffu : (1u << (size_ - w * 32)) - 1u;
    warp.started = warp.ended = warp.at_barrier = warp.meeting = warp.ready = 0;
    make_ready(w, warp.exists);
  }
  arrived_ = ended_ = 0;
  if (copied_) {
    for (Thread& t : threads_) t.copies.clear(), t.group_ends.clear();
    copied_ = false;
  }
  const auto first = static_cast<unsigned>(pick());
  Fiber* fiber = fibers_.take();
  fiber->thread = first;
  threads_[first].fiber = fiber;
  fibers_.switch_to(fiber);
  if (error_) {
    aborting_ = false;
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
#ifndef CUDA_EMULATOR_ASAN
  for (std::size_t i = 0; i < canary_bytes; ++i)
    if (static_cast<unsigned char>(shared_.get()[launch_->shared_bytes + i]) != canary)
      throw undefined("writes past its dynamic shared memory, by " + std::to_string(i) + " bytes or more");
#endif
}

void Block::run(const Launch& launch) {
  launch_ = &launch;
  gridDim = launch.grid;
  blockDim = launch.block;
  size_ = launch.block.x * launch.block.y * launch.block.z;
  warp_count_ = (size_ + 31) / 32;
  if (threads_.size() < size_) threads_.resize(size_);
  for (unsigned i = 0; i < size_; ++i)
    threads_[i].index = {i % launch.block.x, i / launch.block.x % launch.block.y, i / launch.block.x / launch.block.y};
#ifdef CUDA_EMULATOR_ASAN
  shared_.reset(static_cast<std::byte*>(std::malloc(launch.shared_bytes)));
#else
  shared_.reset(static_cast<std::byte*>(std::malloc(launch.shared_bytes + canary_bytes)));
  std::memset(shared_.get() + launch.shared_bytes, canary, canary_bytes);
#endif

  const std::uint64_t x = launch.grid.x, y = launch.grid.y, blocks = x * y * launch.grid.z;
  std::vector<std::uint32_t> shuffled;
  if (order().schedule == Schedule::shuffled) {
    shuffled.resize(blocks);
    for (std::uint32_t i = 0; i < blocks; ++i) {
      const std::uint64_t j = order().random() % (i + 1);
      shuffled[i] = shuffled[j];
      shuffled[j] = i;
    }
  }
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const std::uint64_t b = !shuffled.empty()                        ? shuffled[i]
                            : order().schedule == Schedule::backward ? blocks - 1 - i
                                                                     : i;
    blockIdx = {static_cast<unsigned>(b % x), static_cast<unsigned>(b / x % y), static_cast<unsigned>(b / x / y)};
    run_block();
  }
}

}  // namespace

void run_grid(const Launch& launch) { block().run(launch); }

namespace detail {

void meet_block() { block().meet_block(); }
void meet_warp(unsigned mask, WarpOperation operation, void* operand) { block().meet_warp(mask, operation, operand); }
std::byte* dynamic_shared() { return block().shared(); }

void copy_async_16(void* shared, const void* global, bool valid) {
  block().copy_async(shared, valid ? global : nullptr);
}
void commit_async() { block().thread().group_ends.push_back(block().thread().copies.size()); }
void wait_async(std::size_t groups_left) { block().wait_async(groups_left); }

}  // namespace detail
}  // namespace emulator
