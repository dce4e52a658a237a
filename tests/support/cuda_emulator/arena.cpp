// Where device memory lies: the heap, so that AddressSanitizer sees overruns, or pages that only running work can
// touch.

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "state.hpp"

namespace emulator {
namespace {

constexpr std::size_t arena_bytes = std::size_t{64} << 30, page = 4096;

struct Arena {
  bool on = false;
  std::byte* base = nullptr;
  std::size_t top = 0;                       // bytes that were ever handed out
  std::map<std::size_t, std::size_t> holes;  // offset: bytes, below top
  int users = 0;
};

Arena& arena() {
  static Arena value;
  return value;
}

bool holds(const std::byte* p) {
  return arena().base != nullptr && p >= arena().base && p < arena().base + arena_bytes;
}

std::size_t pages(std::size_t bytes) { return std::max((bytes + page - 1) / page, std::size_t{1}) * page; }

std::byte* take_pages(std::size_t bytes) {
  Arena& a = arena();
  if (a.base == nullptr) {
    void* base = mmap(nullptr, arena_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    a.base = static_cast<std::byte*>(base);
  }
  for (auto hole = a.holes.begin(); hole != a.holes.end(); ++hole) {
    if (hole->second < bytes) continue;
    const auto [offset, size] = *hole;
    a.holes.erase(hole);
    if (size > bytes) a.holes[offset + bytes] = size - bytes;
    return a.base + offset;
  }
  if (a.top + bytes > arena_bytes) throw std::bad_alloc();
  std::byte* memory = a.base + a.top;
  a.top += bytes;
  if (a.users > 0) mprotect(memory, bytes, PROT_READ | PROT_WRITE);
  return memory;
}

void give_pages(std::byte* memory, std::size_t bytes) {
  Arena& a = arena();
  madvise(memory, bytes, MADV_DONTNEED);
  auto hole = a.holes.emplace(static_cast<std::size_t>(memory - a.base), bytes).first;
  if (const auto next = std::next(hole); next != a.holes.end() && hole->first + hole->second == next->first) {
    hole->second += next->second;
    a.holes.erase(next);
  }
  if (hole != a.holes.begin()) {
    const auto before = std::prev(hole);
    if (before->first + before->second == hole->first) {
      before->second += hole->second;
      a.holes.erase(hole);
    }
  }
}

}  // namespace

Access::Access() {
  Arena& a = arena();
  if (a.users++ == 0 && a.top != 0) mprotect(a.base, a.top, PROT_READ | PROT_WRITE);
}
Access::~Access() {
  Arena& a = arena();
  if (--a.users == 0 && a.top != 0) mprotect(a.base, a.top, PROT_NONE);
}

std::byte* take_memory(std::size_t bytes) {
  std::byte* memory;
  if (arena().on) {
    memory = take_pages(pages(bytes));
  } else {
    void* p = nullptr;
    if (posix_memalign(&p, 256, bytes) != 0) throw std::bad_alloc();  // as CUDA aligns
    memory = static_cast<std::byte*>(p);
  }
  const Access access;
  std::memset(memory, 0xFF, bytes);
  return memory;
}

void give_memory(std::byte* memory, std::size_t bytes) {
  if (holds(memory)) return give_pages(memory, pages(bytes));
  std::memset(memory, 0xFF, bytes);
  std::free(memory);
}

void protect(bool on) {
  const std::lock_guard guard(runtime().lock);
  arena().on = on;
}

}  // namespace emulator
