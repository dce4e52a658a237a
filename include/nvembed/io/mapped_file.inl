#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <nvembed/io/file_descriptor.hpp>
#include <nvembed/io/mapped_file.hpp>

namespace nvembed {
namespace detail {

/// `outward`: every page that the range touches; else only pages that lie wholly inside it.
inline void advise_pages(std::span<const std::byte> range, int advice, bool outward) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  auto begin = reinterpret_cast<std::uintptr_t>(range.data()), end = begin + range.size();
  if (outward) {
    begin = begin / page * page;
  } else {
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
  }
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace detail

NVEMBED_INLINE MappedFile::MappedFile(const std::string& path) : path_(path) {
  const auto opened = open_regular(path, "mapped_file");
  const FileDescriptor& fd = opened.first;
  const std::size_t size = opened.second;
  size_ = size;
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  require_system(address == MAP_FAILED ? -1 : 0, "mapped_file", path);
  owner_ = std::shared_ptr<const void>(address, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
}

NVEMBED_INLINE void MappedFile::advise_sequential(std::span<const std::byte> range) {
  detail::advise_pages(range, MADV_SEQUENTIAL, true);
}

NVEMBED_INLINE void MappedFile::advise_dont_need(std::span<const std::byte> range) {
  detail::advise_pages(range, MADV_DONTNEED, false);
}

}  // namespace nvembed
