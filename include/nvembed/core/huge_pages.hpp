#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#if defined(__SANITIZE_ADDRESS__)
#define NVEMBED_SEES_ADDRESSES  // the sanitizer's allocator guards what it gives alone
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NVEMBED_SEES_ADDRESSES
#endif
#endif
#if defined(__linux__) && !defined(NVEMBED_SEES_ADDRESSES)
#define NVEMBED_HUGE_PAGES
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace nvembed::huge_pages {

/// Bytes of a huge page.
inline constexpr std::size_t size = std::size_t{2} << 20;

/// `bytes` bytes of host memory, not zeroed. From a huge page's size on they come from the system itself, to which they
/// go back when released, and lie on huge pages where it gives them: less time to fill, fewer misses to read.
/// `alignment` is that of what is smaller. Throws std::bad_alloc.
inline std::byte* allocate(std::size_t bytes, std::size_t alignment) {
#if defined(NVEMBED_HUGE_PAGES)
  if (bytes >= size) {
    static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    if (bytes > SIZE_MAX - 2 * size) throw std::bad_alloc();
    bytes = (bytes + page - 1) / page * page;
    void* const all = ::mmap(nullptr, bytes + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    auto* const begin = static_cast<std::byte*>(all);
    const std::size_t before = (size - reinterpret_cast<std::uintptr_t>(all) % size) % size;
    if (before) ::munmap(begin, before);
    if (before < size) ::munmap(begin + before + bytes, size - before);
    ::madvise(begin + before, bytes / size * size, MADV_HUGEPAGE);
    return begin + before;
  }
#endif
  return static_cast<std::byte*>(::operator new (bytes, std::align_val_t{alignment}));
}
/// Takes back what `allocate` gave for the same arguments.
inline void release(std::byte* p, std::size_t bytes, std::size_t alignment) noexcept {
#if defined(NVEMBED_HUGE_PAGES)
  if (bytes >= size) {
    ::munmap(p, bytes);
    return;
  }
#endif
  ::operator delete (p, std::align_val_t{alignment});
}

}  // namespace nvembed::huge_pages
