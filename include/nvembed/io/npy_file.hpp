#pragma once

#include <cstring>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <span>
#include <string>
#include <vector>

namespace nvembed {

/// The matrix of a .npy file, as `nvembed encode` and numpy.save write it: version 1.0, little-endian f32, C order, two
/// dimensions. Nothing else is read. numpy's format: numpy/lib/format.py.
class NpyFile {
 public:
  /// Throws FileError naming the file and what is wrong with it, values that are not finite too.
  NVEMBED_INLINE explicit NpyFile(const std::string& path);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  const std::string& path() const { return file_.path(); }
  /// All rows, one behind the other.
  std::span<const std::byte> values() const { return values_; }
  /// A copy of row i in [0, rows()): the file's rows need not be aligned.
  std::vector<float> row(Index i) const {
    std::vector<float> values(static_cast<std::size_t>(cols_));
    const std::size_t size = values.size() * sizeof(float);
    if (size) std::memcpy(values.data(), values_.data() + static_cast<std::size_t>(i) * size, size);
    return values;
  }

 private:
  MappedFile file_;
  std::span<const std::byte> values_;
  Index rows_ = 0, cols_ = 0;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/npy_file.inl>
#endif
