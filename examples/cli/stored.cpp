#include "stored.hpp"

#include <nvembed/core/error.hpp>

namespace cli {

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void TextsHash::add(const Record& r) {
  const auto part = [&](const std::string& s) {  // lengths, so that no two records read alike
    hash_.update(std::to_string(s.size()) + ":");
    hash_.update(s);
  };
  part(r.text);
  part(r.id);
  part(r.instruction ? "+" + *r.instruction : "");
  part(r.prefix ? "+" + *r.prefix : "");
}

Json vector_settings(const Model& model, const nvembed::EncodeOptions& encode, const Options& o) {
  const nvembed::EmbedderSettings& s = model.settings();
  // What goes before a text that says nothing of its own.
  const Record plain;
  const std::string prompt = nvembed::InputBuilder({}, s).prefix_of(as_text(plain, o), encode);
  const bool exact = encode.compat.value_or(s.compat) == nvembed::Compat::exact;
  return {{"mask", model.mask()},
          {"pool", model.pool()},
          {"precision", "f32"},
          {"compat", exact ? "exact" : "reference"},
          {"special", encode.parse_special.value_or(!exact) ? "parsed" : "plain"},
          {"max_length", encode.max_length ? encode.max_length : s.max_length},
          {"dim", encode.dim ? encode.dim : model.dim()},
          {"normalize", encode.normalize.value_or(model.normalizes())},
          {"prompt", prompt}};
}

std::string fingerprint_path(const std::string& vectors) { return vectors + ".fingerprint.json"; }

Json to_json(const Lines& lines) { return {{"count", lines.count}, {"lines", lines.first}}; }

Lines lines_of(const Json& value, const std::string& where) {
  Lines lines;
  for (const Json& n : nvembed::json_array(value, "lines", where))
    if (static_cast<Index>(lines.first.size()) < Lines::most_kept)
      lines.first.push_back(nvembed::json_as<Index>(n, "lines", where));
  lines.count = nvembed::json_get<Index>(value, "count", where);
  return lines;
}

}  // namespace cli
