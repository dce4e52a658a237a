#pragma once

#include <nvembed/io/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

namespace nvembed {
namespace detail {

inline constexpr int json_max_depth = 64;

/// Brackets outside strings, counted ahead of the parser, so that a hostile file never reaches its stacks. Where the
/// text is no JSON the count may be off, but the parser stops at that place anyway.
inline void check_json_depth(std::string_view content, std::string_view file_name) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const char c = content[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      require<FileError>(++depth <= json_max_depth, "json", file_name, ": byte ", i, ": nested deeper than ",
                         json_max_depth, " levels");
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

/// The parser's message without its own prefix and without bytes of the file, which need not be printable.
inline std::string json_message(const std::exception& e) {
  std::string message = e.what();
  if (const auto prefix = message.find("] "); prefix != std::string::npos) message.erase(0, prefix + 2);
  if (const auto tail = message.find("; last read"); tail != std::string::npos) message.resize(tail);
  for (char& c : message)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
  return message;
}

}  // namespace detail

NVEMBED_INLINE Json parse_json(std::string_view content, std::string_view file_name, DuplicateKeys duplicates) {
  detail::check_json_depth(content, file_name);
  try {
    if (duplicates == DuplicateKeys::last) return Json::parse(content.begin(), content.end());
    std::vector<std::unordered_set<std::string>> seen;  // the keys of each object that is open
    return Json::parse(content.begin(), content.end(), [&](int, Json::parse_event_t event, Json& parsed) {
      if (event == Json::parse_event_t::object_start) seen.emplace_back();
      if (event == Json::parse_event_t::object_end) seen.pop_back();
      if (event == Json::parse_event_t::key)
        require<FileError>(seen.back().insert(parsed.get_ref<const std::string&>()).second, "json", file_name,
                           ": key \"", parsed.get_ref<const std::string&>(), "\" stands there twice");
      return true;
    });
  } catch (const Json::exception& e) {
    fail<FileError>("json", file_name, ": ", detail::json_message(e));
  }
}

NVEMBED_INLINE const Json* json_find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

NVEMBED_INLINE const Json& json_at(const Json& object, std::string_view key, std::string_view where) {
  require<FileError>(object.is_object(), "json", where, ": an object with the key \"", key, "\" was expected, found ",
                     object.type_name());
  const Json* value = json_find(object, key);
  require<FileError>(value, "json", where, ": key \"", key, "\" is missing");
  return *value;
}

NVEMBED_INLINE const Json& json_object(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_at(object, key, where);
  if (!value.is_object()) json_mismatch(value, key, where, "an object");
  return value;
}

NVEMBED_INLINE const Json& json_array(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = json_at(object, key, where);
  if (!value.is_array()) json_mismatch(value, key, where, "an array");
  return value;
}

NVEMBED_INLINE void json_mismatch(const Json& value, std::string_view key, std::string_view where,
                                  std::string_view wanted) {
  std::string found{value.type_name()};
  if (value.is_number() || value.is_boolean()) found += " " + value.dump();
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    found = text.size() <= 60 ? cat('"', text, '"') : cat("a string of ", text.size(), " bytes");
  }
  fail<FileError>("json", where, ": ", key, ": expected ", wanted, ", found ", found);
}

}  // namespace nvembed
