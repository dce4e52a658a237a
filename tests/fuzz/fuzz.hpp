#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nvembed/core/error.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What the targets share. A target fails by a crash, a hang, or an exception that is no nvembed::Error: the last by
/// not catching it.
namespace fuzz {

/// Whether f came through; an Error is a good answer too.
template <class F>
bool survives(F&& f) {
  try {
    f();
    return true;
  } catch (const nvembed::Error&) {
    return false;
  }
}

inline void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The parts of an input between NUL bytes; the last of `most` keeps what is left.
inline std::vector<std::string_view> parts(std::string_view input, std::size_t most) {
  std::vector<std::string_view> out;
  while (out.size() + 1 < most && input.find('\0') != input.npos) {
    const std::size_t end = input.find('\0');
    out.push_back(input.substr(0, end));
    input.remove_prefix(end + 1);
  }
  out.push_back(input);
  return out;
}

/// A folder under $TMPDIR for readers that want a path; one a process, as making it takes longer than most inputs.
class Folder {
 public:
  Folder() : dir_(std::filesystem::temp_directory_path() / ("nvembed_fuzz_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(dir_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  const std::filesystem::path& path() const { return dir_; }
  std::string write(const std::string& name, std::string_view content) const {
    const std::filesystem::path file = dir_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return file.string();
  }
  void remove(const std::string& name) const { std::filesystem::remove(dir_ / name); }

 private:
  std::filesystem::path dir_;
};

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
