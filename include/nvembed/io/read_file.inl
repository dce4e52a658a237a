#pragma once

#include <nvembed/io/file_descriptor.hpp>
#include <nvembed/io/read_file.hpp>

namespace nvembed {

NVEMBED_INLINE std::string read_file(const std::string& path, std::size_t limit) {
  auto [fd, size] = open_regular(path, "read_file");
  require<FileError>(size <= limit, "read_file", path, ": ", size, " bytes are more than the ", limit,
                     " such a file may have");
  std::string content(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::read(fd.get(), content.data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    require_system(n, "read_file", path);
    if (n == 0) break;  // the file was cut meanwhile
    done += static_cast<std::size_t>(n);
  }
  content.resize(done);
  return content;
}

NVEMBED_INLINE bool file_exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

NVEMBED_INLINE bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace nvembed
