#pragma once

// Fibers that switch to one another directly; stacks are kept for the next block.

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define CUDA_EMULATOR_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDA_EMULATOR_ASAN
#endif
#endif

namespace emulator {

struct Fiber {
  boost::context::fiber handle;  // empty while it runs
  unsigned thread = 0;           // of the block, that it runs
  const void* stack = nullptr;   // lowest address; for AddressSanitizer, with the size
  std::size_t stack_size = 0;
};

class Fibers {
 public:
  using Loop = void (*)();  // what a fiber runs; never returns

  explicit Fibers(Loop loop) : loop_(loop) {}

  Fiber* current() const { return current_; }
  Fiber* main() { return &main_; }

  /// A fiber that is at the start of its loop or has put itself back there by release().
  Fiber* take();
  void release(Fiber* fiber) { idle_.push_back(fiber); }

  /// Leaves the running fiber; comes back when another switches to it.
  void switch_to(Fiber* to);

 private:
  void make();
  void arrive();

  Loop loop_;
  Fiber main_;
  Fiber* current_ = &main_;
  Fiber* previous_ = nullptr;  // that gave way to the running one
  std::vector<Fiber*> idle_;
  std::size_t made_ = 0;
};

}  // namespace emulator
