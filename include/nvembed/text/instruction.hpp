#pragma once

#include <string>
#include <string_view>

namespace nvembed::text {

/// NV-Embed's query template.
inline constexpr std::string_view nv_embed_template = "Instruct: {instruction}\nQuery: ";

/// The first `{instruction}` of a model's query template replaced by a task description, which is taken literally. No
/// description, no prefix at all; a template without the field is used as it is.
inline std::string apply_template(std::string_view tmpl, std::string_view instruction) {
  if (instruction.empty()) return {};
  constexpr std::string_view field = "{instruction}";
  std::string prefix(tmpl);
  if (const auto at = prefix.find(field); at != prefix.npos) prefix.replace(at, field.size(), instruction);
  return prefix;
}

}  // namespace nvembed::text
