#pragma once

#include <string>
#include <string_view>

namespace nvembed::text {

/// `{instruction}` in a model's query template replaced by a task description; no description, no prefix at all.
inline std::string apply_template(std::string_view tmpl, std::string_view instruction) {
  if (instruction.empty()) return {};
  constexpr std::string_view field = "{instruction}";
  const auto at = tmpl.find(field);
  if (at == tmpl.npos) return std::string(tmpl);
  return std::string(tmpl.substr(0, at)) + std::string(instruction) + std::string(tmpl.substr(at + field.size()));
}

}  // namespace nvembed::text
