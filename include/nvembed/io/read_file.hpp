#pragma once

#include <cstddef>
#include <filesystem>
#include <nvembed/core/config.hpp>
#include <string>

namespace nvembed {

/// Content of a whole regular file. Throws FileError where it cannot be read or is larger than `limit` bytes.
NVEMBED_INLINE std::string read_file(const std::string& path, std::size_t limit = std::size_t{1} << 28);

/// Whether something of that name exists, be it a folder or out of reach: whoever opens it is told what it is.
NVEMBED_INLINE bool file_exists(const std::string& path);
/// Whether `path` is a folder.
NVEMBED_INLINE bool is_folder(const std::string& path);

/// The last part of a path, which may end in a slash.
inline std::string last_name(const std::filesystem::path& path) {
  const auto plain = path.lexically_normal();
  return (plain.has_filename() ? plain.filename() : plain.parent_path().filename()).string();
}

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/read_file.inl>
#endif
