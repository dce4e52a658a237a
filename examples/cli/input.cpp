#include "input.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nvembed/io/json_lines.hpp>
#include <nvembed/text/unicode.hpp>
#include <utility>

namespace cli {
namespace {

using nvembed::cat;
using nvembed::FileError;
using nvembed::Json;
using nvembed::require;

constexpr std::size_t longest_line = std::size_t{1} << 26;  // of a JSON object, most of which may be no text

/// What a file that is no text is likely to be, by how it begins.
const char* advice(std::string_view first_line) {
  if (first_line.starts_with("\xFF\xFE") || first_line.starts_with("\xFE\xFF"))
    return "; this looks like UTF-16, which `iconv -f UTF-16 -t UTF-8` converts";
  if (first_line.starts_with("\x1F\x8B")) return "; this looks like gzip, which `gunzip` unpacks";
  return "; texts must be UTF-8";
}

/// Throws naming the line where it is no UTF-8.
void check_utf8(std::string_view text, const LineReader& at) {
  try {
    nvembed::text::require_utf8(text);
  } catch (const nvembed::InputError& e) {
    throw nvembed::InputError(cat(e.what(), advice(at.line() == 1 ? text : std::string_view()), " (", at.where(), ")"));
  }
}

/// The members of a line's object that are known here.
Json parse_object(std::string_view line, const LineReader& at) {
  static constexpr std::array<std::string_view, 7> keys{"id",    "instruction", "prefix", "text",
                                                        "text1", "text2",       "title"};
  check_utf8(line, at);
  const std::string where = at.where();
  std::string message;
  try {
    Json value = nvembed::parse_json_members(line, where, keys);
    require<FileError>(value.is_object(), "input", where, ": a JSON object was expected, found ", value.type_name());
    return value;
  } catch (const FileError& e) {
    message = e.what();
  }
  throw FileError(nvembed::json_line_message(message));
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t") == line.npos; }

std::optional<std::string> optional_string(const Json& object, std::string_view key, const std::string& where) {
  if (!nvembed::json_find(object, key)) return std::nullopt;
  return nvembed::json_get<std::string>(object, key, where);
}

/// What every kind of object may have beside its texts.
void read_common(const Json& object, const LineReader& at, Record& record) {
  const std::string where = at.where();
  record.instruction = optional_string(object, "instruction", where);
  record.prefix = optional_string(object, "prefix", where);
  record.line = at.line();
  record.id.clear();
  if (const Json* id = nvembed::json_find(object, "id")) {
    require<FileError>(id->is_string() || id->is_number_integer(), "input", where,
                       ": id: expected a string or an integer, found ", id->type_name());
    record.id = id->dump();
  }
}

}  // namespace

std::string place_of(std::string_view name, Index line) { return cat(name, ", line ", line); }

LineReader::LineReader(const std::string& path) : name_(path == "-" ? "standard input" : path) {
  require<FileError>(!path.empty(), "input", "a file name is empty");
  if (path == "-") {
    file_ = nvembed::FileDescriptor(::dup(STDIN_FILENO));
  } else {
    require<FileError>(path.find('\0') == path.npos, "input", "a file name with a NUL character");
    file_ = nvembed::FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  nvembed::require_system(file_.get(), "input", name_);
  struct stat status {};
  nvembed::require_system(::fstat(file_.get(), &status), "input", name_);
  require<FileError>(!S_ISDIR(status.st_mode), "input", name_,
                     ": is a folder; name a file of texts, or - for standard input");
}

bool LineReader::fill() {
  if (at_ > 0) buffer_.erase(0, std::exchange(at_, 0));
  constexpr std::size_t step = std::size_t{1} << 18;
  const std::size_t held = buffer_.size();
  if (buffer_.capacity() < held + step)  // a string that grows by itself doubles, beyond the longest line too
    buffer_.reserve(std::max(held + step, std::min(2 * held, longest_line + 2 * step)));
  buffer_.resize(held + step);
  ssize_t n;
  do n = ::read(file_.get(), buffer_.data() + held, buffer_.size() - held);
  while (n < 0 && errno == EINTR);
  nvembed::require_system(n, "input", cat(name_, ", after line ", line_));
  buffer_.resize(held + static_cast<std::size_t>(n));
  return n > 0;
}

bool LineReader::next(std::string_view& line) {
  std::size_t searched = 0;
  std::size_t end;
  while ((end = buffer_.find('\n', at_ + searched)) == buffer_.npos) {
    searched = buffer_.size() - at_;
    require<FileError>(searched <= longest_line, "input", name_, ", line ", line_ + 1, ": is longer than ",
                       longest_line >> 20, " MiB; is this a text file?");
    if (fill()) continue;
    if (searched == 0) return false;
    end = buffer_.size();  // the last line has no line end
    break;
  }
  std::string_view found(buffer_.data() + at_, end - at_);
  at_ = std::min(end + 1, buffer_.size());
  ++line_;
  if (!found.empty() && found.back() == '\r') found.remove_suffix(1);
  if (line_ == 1 && found.substr(0, 3) == "\xEF\xBB\xBF") found.remove_prefix(3);
  line = found;
  return true;
}

Format format_of(const std::string& path, bool json_lines) {
  return json_lines || path.ends_with(".jsonl") ? Format::json_lines : Format::lines;
}

bool TextReader::next(Record& record) {
  std::string_view line;
  if (format_ == Format::lines) {
    if (!lines_.next(line)) return false;
    check_utf8(line, lines_);
    record = Record{};
    record.text = line;
    record.line = lines_.line();
    return true;
  }
  do
    if (!lines_.next(line)) return false;
  while (blank(line));
  const Json object = parse_object(line, lines_);
  read_common(object, lines_, record);
  record.text = nvembed::json_get<std::string>(object, "text", lines_.where());
  record.title = optional_string(object, "title", lines_.where()).value_or("");
  if (!record.title.empty()) record.text = record.title + " " + record.text;
  return true;
}

bool PairReader::next(Pair& pair) {
  std::string_view line;
  do
    if (!lines_.next(line)) return false;
  while (blank(line));
  const Json object = parse_object(line, lines_);
  read_common(object, lines_, pair.first);
  pair.second = pair.first;
  pair.first.text = nvembed::json_get<std::string>(object, "text1", lines_.where());
  pair.second.text = nvembed::json_get<std::string>(object, "text2", lines_.where());
  return true;
}

Index count_texts(const std::string& path, Format format) {
  TextReader reader(path, format);
  Index n = 0;
  for (Record r; reader.next(r);) ++n;
  return n;
}

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return path != "-" && ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace cli
