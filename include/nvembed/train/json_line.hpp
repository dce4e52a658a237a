#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/io/json.hpp>
#include <string>
#include <string_view>

// Includes the JSON library, so `.inl` files alone include it.

namespace nvembed::train::detail {

/// The object of one line. Throws FileError naming `where` where the line holds none.
NVEMBED_INLINE Json parse_line(std::string_view line, const std::string& where);

/// A string with something in it, moved out of `value`. Throws FileError naming `key` where it is none, or blank.
NVEMBED_INLINE std::string text_of(Json& value, const std::string& key, const std::string& where);
/// The same of a member of `object`.
NVEMBED_INLINE std::string take_text(Json& object, const char* key, const std::string& where);

}  // namespace nvembed::train::detail

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/json_line.inl>
#endif
