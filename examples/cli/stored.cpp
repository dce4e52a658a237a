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
