#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <new>
#include <nvembed/core/huge_pages.hpp>
#include <string>

using namespace nvembed;

namespace {

/// Bytes of address space that the process holds.
std::size_t address_space() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages;
  return pages * 4096;
}

}  // namespace

TEST_CASE("huge pages: buffers of any size are aligned, writable to the end, and go back") {
  constexpr std::size_t page = huge_pages::size;
  const std::size_t before = address_space();
  for (int round = 0; round < 200; ++round)
    for (const std::size_t bytes : {std::size_t{64}, page - 1, page, page + 1, 3 * page + 4097}) {
      std::byte* p = huge_pages::allocate(bytes, 64);
      CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
      p[0] = p[bytes - 1] = std::byte{1};
      huge_pages::release(p, bytes, 64);
    }
#if defined(NVEMBED_HUGE_PAGES)  // a sanitizer's allocator holds what is freed back for a while
  CHECK(address_space() < before + (std::size_t{64} << 20));
#endif
  CHECK(before > 0);
}

#if defined(NVEMBED_HUGE_PAGES)
TEST_CASE("huge pages: buffers lie on them, and more than there is throws") {
  std::byte* p = huge_pages::allocate(huge_pages::size, 64);
  CHECK(reinterpret_cast<std::uintptr_t>(p) % huge_pages::size == 0);
  huge_pages::release(p, huge_pages::size, 64);
  CHECK_THROWS_AS(huge_pages::allocate(SIZE_MAX - 4096, 64), std::bad_alloc);
  CHECK_THROWS_AS(huge_pages::allocate(std::size_t{1} << 60, 64), std::bad_alloc);
}
#endif
