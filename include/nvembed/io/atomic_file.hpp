#pragma once

#include <cstddef>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <span>
#include <string>
#include <string_view>

namespace nvembed {

/// A file that appears whole or not at all: written beside its name, as PATH.tmp, made to survive a crash, then
/// renamed. Until then whatever bore the name stays as it is. What was not committed goes with the object; a process
/// that is killed leaves PATH.tmp, which the next one overwrites. All errors, a full disk among them, are FileError
/// `[PLACE] PATH: reason`.
class AtomicFile {
 public:
  /// Throws where the folder is not there or cannot be written, where PATH is no plain file, or while another process
  /// writes it.
  NVEMBED_INLINE explicit AtomicFile(std::string path, std::string_view place = "write");
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  NVEMBED_INLINE ~AtomicFile();

  const std::string& path() const { return path_; }
  static std::string temporary_of(const std::string& path) { return path + ".tmp"; }

  /// Behind what was written last.
  NVEMBED_INLINE void write(std::string_view bytes);
  /// At a place of one's own; what is never written holds zeros.
  NVEMBED_INLINE void write_at(Index offset, std::span<const std::byte> bytes);
  /// The file takes its name. Nothing can be written any more.
  NVEMBED_INLINE void commit();

 private:
  std::string path_, place_, temporary_;
  FileDescriptor file_;
  Index size_ = 0;
};

/// Writes a whole file so.
NVEMBED_INLINE void write_file(const std::string& path, std::string_view content, std::string_view place = "write");

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/atomic_file.inl>
#endif
