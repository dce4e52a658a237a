#include "part_file.hpp"

#include <sys/file.h>

#include <cstdio>
#include <nvembed/core/error.hpp>
#include <nvembed/io/read_file.hpp>

#include "output.hpp"

namespace cli {
namespace {

using nvembed::FileError;
using nvembed::require;
using nvembed::system_reason;

void rename_to(const std::string& from, const std::string& to) {
  require<FileError>(std::rename(from.c_str(), to.c_str()) == 0, "output", to, ": ", system_reason());
}

}  // namespace

void write_whole(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  Temporary guard(temporary);
  nvembed::FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  require<FileError>(file.get() >= 0, "output", temporary, ": ", system_reason());
  require<FileError>(write_all(file.get(), content) && ::fsync(file.get()) == 0 && file.close(), "output", path, ": ",
                     system_reason());
  rename_to(temporary, path);
  guard.release();
}

PartFile::PartFile(const std::string& out, bool resume)
    : out_(out), path_(out + ".part"), state_path_(out + ".part.json") {
  struct stat there {};
  require<FileError>(::stat(out.c_str(), &there) != 0 || S_ISREG(there.st_mode), "output", out,
                     ": is there and is no plain file, so it cannot be replaced; choose another name");
  file_ = nvembed::FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  require<FileError>(file_.get() >= 0, "output", path_, ": ", system_reason());
  struct stat opened {
  }, named{};
  // A run that has just finished may have renamed the file between our opening and locking it.
  require<FileError>(::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file_.get(), &opened) == 0 &&
                         ::stat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino,
                     "output", path_, ": another run is writing it; wait for that, or choose another name");
  part_guard_.emplace(path_);
  state_guard_.emplace(state_path_);
  if (resume && nvembed::file_exists(state_path_)) {
    part_guard_->keep();
    state_guard_->keep();
    left_ = nvembed::read_file(state_path_);
    size_ = static_cast<Index>(opened.st_size);
  } else {
    ::unlink(state_path_.c_str());  // it says nothing about the rows that come now
    cut(0);
  }
}

void PartFile::cut(Index bytes) {
  require<FileError>(::ftruncate(file_.get(), bytes) == 0 && ::lseek(file_.get(), bytes, SEEK_SET) == bytes, "output",
                     path_, ": ", system_reason());
  size_ = bytes;
}

void PartFile::write(std::string_view bytes) {
  require<FileError>(write_all(file_.get(), bytes), "output", path_, ": ", system_reason());
  size_ += static_cast<Index>(bytes.size());
}

void PartFile::patch(std::string_view bytes) {
  require<FileError>(::lseek(file_.get(), 0, SEEK_SET) == 0 && write_all(file_.get(), bytes), "output", path_, ": ",
                     system_reason());
}

void PartFile::checkpoint(const std::string& state) {
  require<FileError>(::fdatasync(file_.get()) == 0, "output", path_, ": ", system_reason());
  write_whole(state_path_, state);
  part_guard_->keep();
  state_guard_->keep();
  checkpointed_ = true;
}

void PartFile::finish() {
  require<FileError>(::fsync(file_.get()) == 0, "output", path_, ": ", system_reason());
  rename_to(path_, out_);
  part_guard_->release();
  ::unlink(state_path_.c_str());
  file_.close();
}

}  // namespace cli
