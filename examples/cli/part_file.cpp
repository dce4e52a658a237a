#include "part_file.hpp"

#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/read_file.hpp>

#include "output.hpp"

namespace cli {
namespace {

using nvembed::require_system;

}  // namespace

void write_whole(const std::string& path, std::string_view content) {
  Temporary guard(nvembed::AtomicFile::temporary_of(path));
  nvembed::AtomicFile file(path, "output");
  file.write(content);
  file.commit();
  guard.release();
}

PartFile::PartFile(const std::string& out, bool resume)
    : out_(out), path_(out + ".part"), state_path_(out + ".part.json") {
  nvembed::require_writable_name(out, "output");
  file_ = nvembed::open_exclusive(path_, "output");
  if (resume && nvembed::file_exists(state_path_)) {
    Temporary::say_resumable();
    left_ = nvembed::read_file(state_path_);
    struct stat opened {};
    require_system(::fstat(file_.get(), &opened), "output", path_);
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
  nvembed::put_in_place(file_, path_, out_, "output");
  if (part_guard_) part_guard_->release();
  ::unlink(state_path_.c_str());
  file_.close();
}

}  // namespace cli
