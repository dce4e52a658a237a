#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace nvembed {

/// The text of `errno` as it stands.
inline std::string system_reason() { return std::strerror(errno); }

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
  require<FileError>(fd.get() >= 0, place, path, ": ", system_reason());
  struct stat status {};
  require<FileError>(::fstat(fd.get(), &status) == 0, place, path, ": ", system_reason());
  require<FileError>(!S_ISDIR(status.st_mode), place, path, ": is a folder, not a file");
  require<FileError>(S_ISREG(status.st_mode), place, path, ": is not a regular file");
  return {std::move(fd), static_cast<std::size_t>(status.st_size)};
}

}  // namespace nvembed
