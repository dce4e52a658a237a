#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <string>
#include <string_view>

// Includes the JSON library, so `.inl` files alone include it.

namespace nvembed {

/// What a parser says of a line that it was given by itself: its "line 1" is left out.
NVEMBED_INLINE std::string json_line_message(std::string message);

/// The objects of a JSON Lines file (UTF-8, one a line; blank lines are passed over), one at a time.
class JsonLines {
 public:
  /// Throws FileError where the file cannot be read.
  explicit JsonLines(const std::string& path) : file_(path) {}

  /// False at the end. Throws FileError naming file and line where a line is no object.
  NVEMBED_INLINE bool next(Json& object);
  /// Number of the last line, from 1.
  Index line() const { return line_; }
  /// `FILE, line N`, of the last line.
  NVEMBED_INLINE std::string where() const;

 private:
  MappedFile file_;
  std::size_t at_ = 0;
  Index line_ = 0;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/json_lines.inl>
#endif
