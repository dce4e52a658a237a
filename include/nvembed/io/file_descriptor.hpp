#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace nvembed {

/// The text of `errno` as it stands.
inline std::string system_reason() { return std::strerror(errno); }

/// Throws FileError `[PLACE] PATH: reason` where a system call has failed (gave -1). Reads errno itself: as arguments
/// of one call, the system call and its reason would come in no particular order.
inline void require_system(std::int64_t result, std::string_view place, std::string_view path) {
  if (result == -1) fail<FileError>(place, path, ": ", system_reason());
}

/// An open POSIX file descriptor, closed on destruction.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { close(); }

  int get() const { return fd_; }
  /// True where there was nothing to close or closing went well.
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_ = -1;
};

/// Opens a regular file for reading and gives its size. Throws FileError `[PLACE] PATH: reason`. A pipe without a
/// writer is refused, not waited for.
inline std::pair<FileDescriptor, std::size_t> open_regular(const std::string& path, std::string_view place) {
  require<FileError>(path.find('\0') == std::string::npos, place, "a file name with a NUL character");
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  require_system(fd.get(), place, path);
  struct stat status {};
  require_system(::fstat(fd.get(), &status), place, path);
  require<FileError>(!S_ISDIR(status.st_mode), place, path, ": is a folder, not a file");
  require<FileError>(S_ISREG(status.st_mode), place, path, ": is not a regular file");
  return {std::move(fd), static_cast<std::size_t>(status.st_size)};
}

}  // namespace nvembed
