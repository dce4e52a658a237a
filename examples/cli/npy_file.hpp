#pragma once

#include <nvembed/core/shape.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <span>
#include <string>

namespace cli {

using nvembed::Index;

/// The matrix of a .npy file, as `nvembed encode` and numpy.save write it: version 1.0, little-endian f32, C order, two
/// dimensions. Nothing else is read. numpy's format: numpy/lib/format.py.
class NpyFile {
 public:
  /// Throws FileError naming the file and what is wrong with it, values that are not finite too.
  explicit NpyFile(const std::string& path);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  /// All rows, one behind the other.
  std::span<const std::byte> values() const { return values_; }

 private:
  nvembed::MappedFile file_;
  std::span<const std::byte> values_;
  Index rows_ = 0, cols_ = 0;
};

}  // namespace cli
