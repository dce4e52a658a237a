#pragma once

#include <algorithm>
#include <nvembed/core/error.hpp>
#include <nvembed/io/json_lines.hpp>

namespace nvembed {

NVEMBED_INLINE std::string json_line_message(std::string message) {
  if (const auto place = message.find(" at line 1, column"); place != message.npos) message.erase(place + 3, 8);
  return message;
}

NVEMBED_INLINE std::string JsonLines::where() const { return cat(file_.path(), ", line ", line_); }

NVEMBED_INLINE bool JsonLines::next(Json& object) {
  const std::string_view all(reinterpret_cast<const char*>(file_.bytes().data()), file_.bytes().size());
  std::string_view line;
  do {
    if (at_ >= all.size()) return false;
    const std::size_t end = std::min(all.find('\n', at_), all.size());
    line = all.substr(at_, end - at_);
    at_ = end + 1;
    if (++line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  } while (line.find_first_not_of(" \t\r") == line.npos);
  std::string message;
  try {
    object = parse_json(line, where());
    require<FileError>(object.is_object(), "json", where(), ": a JSON object was expected, found ", object.type_name());
    return true;
  } catch (const FileError& e) {
    message = e.what();
  }
  throw FileError(json_line_message(message));
}

}  // namespace nvembed
