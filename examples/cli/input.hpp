#pragma once

#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <nvembed/embed/text.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

using nvembed::Index;

/// `FILE, line N`
std::string place_of(std::string_view name, Index line);

/// Lines of a file, a pipe or standard input (`-`), one at a time, without their line ends (LF or CR LF), a byte order
/// mark at the start left out.
class LineReader {
 public:
  explicit LineReader(const std::string& path);

  /// False at the end. `line` lives until the next call. Throws FileError naming file and line for a broken read, or a
  /// line longer than 64 MiB.
  bool next(std::string_view& line);
  /// Number of the last line, from 1.
  Index line() const { return line_; }
  /// `FILE, line N`, of the last line.
  std::string where() const { return place_of(name_, line_); }
  const std::string& name() const { return name_; }

 private:
  bool fill();

  nvembed::FileDescriptor file_;
  std::string name_, buffer_;
  std::size_t at_ = 0;
  Index line_ = 0;
};

/// One text of an input.
struct Record {
  std::string text;  ///< what is encoded: title and text, joined by a space
  std::string title;
  std::optional<std::string> instruction, prefix;
  std::string id;  ///< as JSON (`"a"`, `7`); empty where the record has none
  Index line = 0;

  nvembed::Text view() const { return {text, instruction, prefix}; }
};

/// How a file's lines are read.
enum class Format : std::uint8_t { lines, json_lines };
/// JSON Lines where the name says so (`.jsonl`) or the user did.
Format format_of(const std::string& path, bool json_lines);

/// Texts of an input: one a line, or one JSON object a line with "text" and maybe "id", "instruction", "prefix",
/// "title".
class TextReader {
 public:
  TextReader(const std::string& path, Format format) : lines_(path), format_(format) {}

  /// False at the end. Throws FileError naming file and line for invalid UTF-8 or a line that is no such object.
  bool next(Record& record);
  const LineReader& lines() const { return lines_; }

 private:
  LineReader lines_;
  Format format_;
};

/// Two texts to compare, from a JSON object with "text1" and "text2".
struct Pair {
  Record first, second;
};
class PairReader {
 public:
  explicit PairReader(const std::string& path) : lines_(path) {}
  bool next(Pair& pair);
  const LineReader& lines() const { return lines_; }

 private:
  LineReader lines_;
};

/// How many texts a file has. Reads it once, and throws what a TextReader would: before any work, not after it.
Index count_texts(const std::string& path, Format format);
/// Whether `path` can be read twice.
bool is_regular_file(const std::string& path);

}  // namespace cli
