#pragma once

#include <cstddef>
#include <memory>
#include <nvembed/core/config.hpp>
#include <span>
#include <string>

namespace nvembed {

/// A regular file mapped read-only and shared by all copies; pages are read when they are touched. Nobody may shorten
/// the file while it is mapped: a page that is gone kills the process (SIGBUS), and no library can prevent that.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws FileError with the system's reason where the file cannot be opened or is no regular file (a folder, a
  /// device, a pipe). An empty file gives an empty span.
  NVEMBED_INLINE explicit MappedFile(const std::string& path);

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(owner_.get()), size_}; }
  const std::string& path() const { return path_; }
  /// Keeps the mapping alive on its own.
  std::shared_ptr<const void> owner() const { return owner_; }

  /// Hints to the system for a part of a mapping: it will be read front to back; its pages may be dropped from this
  /// process (they are read from the file again when touched). A hint that cannot be followed is no error.
  static NVEMBED_INLINE void advise_sequential(std::span<const std::byte> range);
  static NVEMBED_INLINE void advise_dont_need(std::span<const std::byte> range);

 private:
  std::string path_;
  std::shared_ptr<const void> owner_;
  std::size_t size_ = 0;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/mapped_file.inl>
#endif
