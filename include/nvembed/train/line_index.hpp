#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::train {

/// Lines of a mapped file by number, 8 bytes a line kept. The file's pages belong to the system, which drops them when
/// memory is short, so a file may be larger than memory. It must not be changed while it is open. Immutable, so any
/// number of threads may read.
class LineIndex {
 public:
  LineIndex() = default;
  /// Keeps the lines that are not blank (a byte order mark is no part of one) and for which keep(line, number) is true;
  /// the number is the file's, from 1. Throws FileError where the file cannot be read.
  template <class Keep>
  LineIndex(const std::string& path, Keep&& keep) : file_(path) {
    std::size_t at = all().starts_with("\xEF\xBB\xBF") ? 3 : 0;
    for (Index number = 1; at < all().size(); ++number) {
      const std::string_view line = line_from(at);
      if (line.find_first_not_of(" \t\r") != line.npos && keep(line, number)) begins_.push_back(at);
      at += line.size() + 1;
    }
    begins_.shrink_to_fit();
    MappedFile::advise_dont_need(file_.bytes());
  }

  Index size() const { return static_cast<Index>(begins_.size()); }
  const std::string& path() const { return file_.path(); }
  /// Line i of those kept, without its end; a view into the file.
  std::string_view operator[](Index i) const { return line_from(begins_[static_cast<std::size_t>(i)]); }
  /// Its number in the file, from 1. Counts the lines before it: for messages.
  NVEMBED_INLINE Index number(Index i) const;
  /// `FILE, line N`, of line i.
  NVEMBED_INLINE std::string where(Index i) const;
  NVEMBED_INLINE static std::string where(const std::string& path, Index number);

 private:
  std::string_view all() const { return {reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size()}; }
  std::string_view line_from(std::size_t begin) const {
    const std::string_view rest = all().substr(begin);
    return rest.substr(0, rest.find('\n'));
  }

  MappedFile file_;
  std::vector<std::uint64_t> begins_;  // offsets in the file
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/line_index.inl>
#endif
