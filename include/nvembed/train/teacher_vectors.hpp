#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/io/npy_file.hpp>
#include <nvembed/train/line_index.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nvembed::train {

/// Vectors that a teacher gave to texts: a `.jsonl` file of `{"text": text}` and a `.npy` file with a row for each of
/// them, as `nvembed mine --write-texts` and `nvembed encode` write them. The files are mapped; about 50 bytes a text
/// are kept. Any number of threads may ask.
class TeacherVectors {
 public:
  /// Throws FileError where a file cannot be read, a line is broken, rows and texts do not match in number,
  /// or a row has no direction (all zeros).
  NVEMBED_INLINE TeacherVectors(const std::string& texts, const std::string& vectors);

  /// A checksum of all texts and numbers.
  std::uint64_t digest() const { return digest_; }
  Index size() const { return vectors_.rows(); }
  Index dim() const { return vectors_.cols(); }
  /// The row of a text, to the byte; of several equal ones the first.
  NVEMBED_INLINE std::optional<Index> find(std::string_view text) const;
  /// Row i in [0, size()), brought to unit length.
  NVEMBED_INLINE std::vector<float> unit_row(Index i) const;

 private:
  NVEMBED_INLINE std::string text(Index i) const;

  LineIndex lines_;
  NpyFile vectors_;
  std::unordered_multimap<std::uint64_t, Index> rows_;  // by the text's hash
  std::uint64_t digest_ = 0;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/teacher_vectors.inl>
#endif
