#pragma once

#include <algorithm>
#include <nvembed/io/atomic_file.hpp>
#include <utility>

namespace nvembed {

NVEMBED_INLINE AtomicFile::AtomicFile(std::string path, std::string_view place)
    : path_(std::move(path)), place_(place), temporary_(temporary_of(path_)) {
  require_writable_name(path_, place_);
  file_ = open_exclusive(temporary_, place_);
  if (::ftruncate(file_.get(), 0) == 0) return;
  const std::string reason = system_reason();
  ::unlink(temporary_.c_str());
  fail<FileError>(place_, temporary_, ": ", reason);
}

NVEMBED_INLINE AtomicFile::~AtomicFile() {
  if (file_.get() >= 0) ::unlink(temporary_.c_str());
}

NVEMBED_INLINE void AtomicFile::write(std::string_view bytes) { write_at(size_, std::as_bytes(std::span(bytes))); }

NVEMBED_INLINE void AtomicFile::write_at(Index offset, std::span<const std::byte> bytes) {
  require<FileError>(file_.get() >= 0, place_, path_, ": is finished already");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  require_system(write_all_at(file_.get(), text, static_cast<std::uint64_t>(offset)) ? 0 : -1, place_, path_);
  offset += static_cast<Index>(bytes.size());
  size_ = std::max(size_, offset);
}

NVEMBED_INLINE void AtomicFile::commit() {
  require<FileError>(file_.get() >= 0, place_, path_, ": is finished already");
  put_in_place(file_, temporary_, path_, place_);
  // Errors of close were seen by fsync.
  file_.close();
}

NVEMBED_INLINE void write_file(const std::string& path, std::string_view content, std::string_view place) {
  AtomicFile file(path, place);
  file.write(content);
  file.commit();
}

}  // namespace nvembed
