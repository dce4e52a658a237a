#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

// The only header that includes the JSON library; included by `.inl` files and tests alone, because parsing it is slow.

namespace nvembed {

using Json = nlohmann::json;

/// What happens where an object has one key twice: the last one counts, or the file is refused.
enum class DuplicateKeys { last, refuse };

/// Parses one JSON document. Throws FileError `[json] FILE: parse error at line L, column C: ...` for bad syntax,
/// invalid UTF-8, numbers outside double and anything behind the document; and, found before parsing and with the byte,
/// for nesting deeper than 64, more than three million values (the largest tokenizers have near two) and strings longer
/// than 32 MiB.
NVEMBED_INLINE Json parse_json(std::string_view content, std::string_view file_name,
                               DuplicateKeys duplicates = DuplicateKeys::last);

/// Parses one JSON document for those members of its object that have one of `keys`, where a key stands twice the last
/// one. What other members hold is passed over, however large, and objects and arrays are left empty: memory is what
/// the largest string takes. Throws FileError as parse_json does, but has no limits.
NVEMBED_INLINE Json parse_json_members(std::string_view content, std::string_view file_name,
                                       std::span<const std::string_view> keys);

/// `object[key]`, or nullptr where the key is missing or null, or `object` is no object.
NVEMBED_INLINE const Json* json_find(const Json& object, std::string_view key);

/// The same, but throws FileError where json_find gives nullptr. `where` is the file name, with the path to `object`
/// behind a colon where it is not the root: `config.json: text_config`.
NVEMBED_INLINE const Json& json_at(const Json& object, std::string_view key, std::string_view where);

/// json_at, and throws FileError unless the value is an object, or an array.
NVEMBED_INLINE const Json& json_object(const Json& object, std::string_view key, std::string_view where);
NVEMBED_INLINE const Json& json_array(const Json& object, std::string_view key, std::string_view where);

/// Throws FileError `[json] WHERE: KEY: expected WANTED, found ...`.
[[noreturn]] NVEMBED_INLINE void json_mismatch(const Json& value, std::string_view key, std::string_view where,
                                               std::string_view wanted);

/// A value as bool, Index, double or std::string; FileError names file and key where it is something else. An Index
/// must be written as an integer (`2.0` is none) that fits; a double may be any number.
template <class T>
requires std::same_as<T, bool> || std::same_as<T, Index> || std::same_as<T, double> || std::same_as<T, std::string> T
json_as(const Json& value, std::string_view key, std::string_view where) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) json_mismatch(value, key, where, "true or false");
    return value.get<bool>();
  } else if constexpr (std::is_same_v<T, Index>) {
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
      json_mismatch(value, key, where, "an integer");
    return value.get<Index>();
  } else if constexpr (std::is_same_v<T, double>) {
    if (!value.is_number()) json_mismatch(value, key, where, "a number");
    return value.get<double>();
  } else {
    if (!value.is_string()) json_mismatch(value, key, where, "a string");
    return value.get_ref<const std::string&>();
  }
}

/// json_as of a key that must be there.
template <class T>
T json_get(const Json& object, std::string_view key, std::string_view where) {
  return json_as<T>(json_at(object, key, where), key, where);
}

/// json_as of a key that may be missing or null: then `otherwise`.
template <class T>
T json_get_or(const Json& object, std::string_view key, T otherwise, std::string_view where) {
  const Json* value = json_find(object, key);
  return value ? json_as<T>(*value, key, where) : otherwise;
}

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/json.inl>
#endif
