#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nvembed/core/error.hpp>
#include <string>
#include <string_view>
#include <system_error>
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

/// Writes all of `bytes` to `fd`. False, with errno set, where that fails.
inline bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// The same from byte `offset` of the file on.
inline bool write_all_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

/// Throws FileError `[PLACE] PATH: reason` where a file cannot take this name: something is there that is no plain
/// file, or there is no such folder.
inline void require_writable_name(const std::string& path, std::string_view place) {
  require<FileError>(path.find('\0') == std::string::npos, place, "a file name with a NUL character");
  struct stat there {};
  require<FileError>(::stat(path.c_str(), &there) != 0 || S_ISREG(there.st_mode), place, path,
                     ": is there and is no plain file, so it cannot be replaced; choose another name");
  const auto folder = std::filesystem::absolute(path).parent_path();
  std::error_code ignored;
  require<FileError>(std::filesystem::is_directory(folder, ignored), place, path, ": there is no folder ",
                     folder.string());
}

/// Opens a file that nobody else writes, making it where it is not there, and keeps others off until it is closed.
/// Throws FileError `[PLACE] PATH: reason`.
inline FileDescriptor open_exclusive(const std::string& path, std::string_view place) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  require_system(file.get(), place, path);
  struct stat opened {
  }, named{};
  // Whoever has just finished may have renamed the file between our opening and locking it.
  require<FileError>(::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file.get(), &opened) == 0 &&
                         ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino,
                     place, path, ": another run is writing it; wait for that, or choose another name");
  return file;
}

/// Makes the names in a folder survive a crash, where the file system can.
inline void sync_folder(const std::filesystem::path& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

/// Makes what `file` holds survive a crash, then gives it the name `to`, in place of what bore it.
inline void put_in_place(const FileDescriptor& file, const std::string& from, const std::string& to,
                         std::string_view place) {
  require_system(::fsync(file.get()), place, to);
  require_system(std::rename(from.c_str(), to.c_str()), place, to);
  sync_folder(std::filesystem::absolute(to).parent_path());
}

}  // namespace nvembed
