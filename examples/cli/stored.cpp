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

std::string RunState::str() const {
  return dump({{"settings", settings},
               {"rows", rows},
               {"bytes", bytes},
               {"texts", texts},
               {"tokens", tokens},
               {"truncated", to_json(truncated)},
               {"empty", to_json(empty)}});
}

RunState RunState::parse(std::string_view content, const std::string& where) {
  const Json j = nvembed::parse_json(content, where);
  const auto count = [&](const Json& object, const char* key) {
    const Index n = nvembed::json_get<Index>(object, key, where);
    nvembed::require<nvembed::FileError>(n >= 0, "state", where, ": ", key, " is ", n);
    return n;
  };
  const auto lines = [&](const char* key) {
    const Json& object = nvembed::json_object(j, key, where);
    Lines kept;
    kept.count = count(object, "count");
    for (const Json& n : nvembed::json_array(object, "lines", where))
      if (static_cast<Index>(kept.first.size()) < Lines::most_kept)
        kept.first.push_back(nvembed::json_as<Index>(n, "lines", where));
    nvembed::require<nvembed::FileError>(kept.count >= static_cast<Index>(kept.first.size()), "state", where, ": ", key,
                                         " counts ", kept.count, " of ", kept.first.size(), " lines");
    return kept;
  };
  return {nvembed::json_get<std::string>(j, "settings", where),
          nvembed::json_get<std::string>(j, "texts", where),
          count(j, "rows"),
          count(j, "bytes"),
          count(j, "tokens"),
          lines("truncated"),
          lines("empty")};
}

VectorsOrigin VectorsOrigin::parse(std::string_view content, const std::string& where) {
  const Json j = nvembed::parse_json(content, where);
  return {nvembed::json_get<std::string>(j, "fingerprint", where),
          nvembed::json_get<std::string>(j, "output_type", where), nvembed::json_get<std::string>(j, "texts", where)};
}

}  // namespace cli
