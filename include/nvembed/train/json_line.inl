#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/io/json_lines.hpp>
#include <nvembed/train/json_line.hpp>
#include <utility>

namespace nvembed::train::detail {

NVEMBED_INLINE Json parse_line(std::string_view line, const std::string& where) {
  std::string message;
  try {
    Json object = parse_json(line, where);
    require<FileError>(object.is_object(), "json", where, ": a JSON object was expected, found ", object.type_name());
    return object;
  } catch (const FileError& e) {
    message = e.what();
  }
  throw FileError(json_line_message(message));
}

NVEMBED_INLINE std::string text_of(Json& value, const std::string& key, const std::string& where) {
  if (!value.is_string()) json_mismatch(value, key, where, "a string");
  auto& text = value.get_ref<std::string&>();
  require<FileError>(text.find_first_not_of(" \t\r\n\v\f") != text.npos, "records", where, ": ", key,
                     text.empty() ? ": is empty" : ": is blank");
  return std::move(text);
}

NVEMBED_INLINE std::string take_text(Json& object, const char* key, const std::string& where) {
  json_at(object, key, where);
  return text_of(object[key], key, where);
}

}  // namespace nvembed::train::detail
