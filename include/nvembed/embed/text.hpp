#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nvembed {

/// One text to encode, borrowed, with its own instruction or literal prefix where it has one.
struct Text {
  std::string_view text;
  std::optional<std::string_view> instruction = {};  ///< a task description, put into the model's template
  std::optional<std::string_view> prefix = {};       ///< used as it is

  Text() = default;
  Text(std::string_view t) : text(t) {}
  Text(const char* t) : text(t) {}
  Text(const std::string& t) : text(t) {}
  Text(std::string_view t, std::optional<std::string_view> i, std::optional<std::string_view> p = {})
      : text(t), instruction(i), prefix(p) {}
};

}  // namespace nvembed
