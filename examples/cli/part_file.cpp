#include "part_file.hpp"

#include <sys/file.h>

#include <cstdio>
#include <filesystem>
#include <nvembed/core/error.hpp>
#include <nvembed/io/read_file.hpp>

#include "output.hpp"

namespace cli {
namespace {

using nvembed::FileError;
using nvembed::require;
using nvembed::require_system;

void rename_to(const std::string& from, const std::string& to) {
  require_system(std::rename(from.c_str(), to.c_str()), "output", to);
}

}  // namespace

void write_whole(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  Temporary guard(temporary);
  nvembed::FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  require_system(file.get(), "output", temporary);
  require_system(write_all(file.get(), content) && ::fsync(file.get()) == 0 && file.close() ? 0 : -1, "output", path);
  rename_to(temporary, path);
  guard.release();
}

PartFile::PartFile(const std::string& out, bool resume)
    : out_(out), path_(out + ".part"), state_path_(out + ".part.json") {
  struct stat there {};
  require<FileError>(::stat(out.c_str(), &there) != 0 || S_ISREG(there.st_mode), "output", out,
                     ": is there and is no plain file, so it cannot be replaced; choose another name");
  const auto folder = std::filesystem::absolute(out).parent_path();
  std::error_code ignored;
  require<FileError>(std::filesystem::is_directory(folder, ignored), "output", out, ": there is no folder ",
                     folder.string());
  file_ = nvembed::FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  require_system(file_.get(), "output", path_);
  struct stat opened {
  }, named{};
  // A run that has just finished may have renamed the file between our opening and locking it.
  require<FileError>(::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file_.get(), &opened) == 0 &&
                         ::stat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino,
                     "output", path_, ": another run is writing it; wait for that, or choose another name");
  if (resume && nvembed::file_exists(state_path_)) {
    Temporary::say_resumable();
    left_ = nvembed::read_file(state_path_);
    size_ = static_cast<Index>(opened.st_size);
  } else {
    part_guard_.emplace(path_);
    state_guard_.emplace(state_path_);
    ::unlink(state_path_.c_str());  // it says nothing about the rows that come now
    cut(0);
  }
}

void PartFile::cut(Index bytes) {
  require_system(::ftruncate(file_.get(), bytes) == 0 ? ::lseek(file_.get(), bytes, SEEK_SET) : -1, "output", path_);
  size_ = bytes;
}

void PartFile::write(std::string_view bytes) {
  require_system(write_all(file_.get(), bytes) ? 0 : -1, "output", path_);
  size_ += static_cast<Index>(bytes.size());
}

void PartFile::patch(std::string_view bytes) {
  require_system(::lseek(file_.get(), 0, SEEK_SET) == 0 && write_all(file_.get(), bytes) ? 0 : -1, "output", path_);
}

void PartFile::checkpoint(const std::string& state) {
  require_system(::fdatasync(file_.get()), "output", path_);
  write_whole(state_path_, state);
  Temporary::say_resumable();
  if (part_guard_) part_guard_->release();
  if (state_guard_) state_guard_->release();
  checkpointed_ = true;
}

void PartFile::finish() {
  require_system(::fsync(file_.get()), "output", path_);
  rename_to(path_, out_);
  if (part_guard_) part_guard_->release();
  ::unlink(state_path_.c_str());
  file_.close();
}

}  // namespace cli
