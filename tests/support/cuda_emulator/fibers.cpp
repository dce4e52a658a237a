#include "fibers.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <new>
#include <utility>

#ifdef CUDA_EMULATOR_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulator {
namespace {

#ifdef CUDA_EMULATOR_ASAN
constexpr std::size_t stack_bytes = 512 << 10;
#else
constexpr std::size_t stack_bytes = 256 << 10;
#endif

/// Stacks live as long as the program.
struct Keep {
  boost::context::stack_context allocate() { return {}; }
  void deallocate(boost::context::stack_context&) {}
};

}  // namespace

void Fibers::make() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, stack_bytes + page, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, page, PROT_NONE);
  auto* fiber = new Fiber;  // as long as the program, too
  auto* bottom = static_cast<std::byte*>(memory) + page;
  // Tops that lie at equal places of their pages would all fall into the same few sets of the caches.
  const std::size_t size = stack_bytes - made_++ % 64 * 832;
  fiber->stack = bottom;
  fiber->stack_size = size;
  boost::context::stack_context context;
  context.sp = bottom + size;
  context.size = size;
  fiber->handle = boost::context::fiber(std::allocator_arg, boost::context::preallocated(context.sp, size, context),
                                        Keep{}, [this](boost::context::fiber&& back) -> boost::context::fiber {
                                          previous_->handle = std::move(back);
                                          arrive();
                                          loop_();
                                          __builtin_unreachable();
                                        });
  idle_.push_back(fiber);
}

Fiber* Fibers::take() {
  if (idle_.empty()) make();
  Fiber* fiber = idle_.back();
  idle_.pop_back();
  return fiber;
}

void Fibers::arrive() {
#ifdef CUDA_EMULATOR_ASAN
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
  if (previous_ == &main_) {  // only the sanitizer knows where the caller's stack lies
    main_.stack = bottom;
    main_.stack_size = size;
  }
#endif
}

void Fibers::switch_to(Fiber* to) {
  Fiber* self = current_;
  previous_ = self;
  current_ = to;
#ifdef CUDA_EMULATOR_ASAN
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, to->stack, to->stack_size);
#endif
  boost::context::fiber back = std::move(to->handle).resume();
#ifdef CUDA_EMULATOR_ASAN
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
  if (previous_ == &main_) {
    main_.stack = bottom;
    main_.stack_size = size;
  }
#endif
  previous_->handle = std::move(back);
}

}  // namespace emulator
