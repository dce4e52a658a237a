#pragma once

#include <nvembed/io/json_lines.hpp>
#include <nvembed/text/unicode.hpp>
#include <nvembed/train/json_line.hpp>
#include <nvembed/train/record_line.hpp>
#include <unordered_set>

namespace nvembed::train {
namespace detail {

/// Appends a JSON string.
inline void append_quoted(std::string& line, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  text::require_utf8(text);
  line += '"';
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (b < 0x20) {
      line += "\\u00";
      line += hex[b >> 4];
      line += hex[b & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

}  // namespace detail

NVEMBED_INLINE Record parse_record(std::string_view line, const std::string& where, RecordCounts* counts) {
  Json object = detail::parse_line(line, where);
  Record r;
  r.query = detail::take_text(object, "query", where);
  RecordCounts met;
  // Sets, as a hostile line may hold a million texts; of views, as the lists do not grow beyond what is reserved.
  std::unordered_set<std::string_view> positives, negatives;
  const auto each_text = [&](const char* key, std::vector<std::string>& texts, auto&& wanted) {
    Json& array = object[key];
    texts.reserve(array.size());
    Index n = 0;
    for (Json& item : array) {
      texts.push_back(detail::text_of(item, cat(key, ", number ", ++n), where));
      if (!wanted(texts.back())) texts.pop_back();
    }
  };
  json_array(object, "positive", where);
  each_text("positive", r.positives, [&](const std::string& text) {
    const bool fresh = positives.insert(text).second;
    if (!fresh) ++met.repeated;
    return fresh;
  });
  require<FileError>(!r.positives.empty(), "records", where, ": positive: is empty");
  if (json_find(object, "negative")) {
    json_array(object, "negative", where);
    each_text("negative", r.negatives, [&](const std::string& text) {
      const bool answer = positives.contains(text), query = !answer && text == r.query;
      const bool fresh = !answer && !query && negatives.insert(text).second;
      if (answer)
        ++met.negatives_that_answer;
      else if (query)
        ++met.negatives_of_query;
      else if (!fresh)
        ++met.repeated;
      return fresh;
    });
  }
  if (counts) {
    met.records = 1;
    met.with_negatives = r.negatives.empty() ? 0 : 1;
    met.positives = static_cast<Index>(r.positives.size()), met.negatives = static_cast<Index>(r.negatives.size());
    *counts += met;
  }
  return r;
}

NVEMBED_INLINE std::string record_line(const Record& record) {
  std::string line = "{\"query\": ";
  detail::append_quoted(line, record.query);
  const auto list = [&](const char* key, const std::vector<std::string>& texts) {
    line += key;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (i > 0) line += ", ";
      detail::append_quoted(line, texts[i]);
    }
    line += ']';
  };
  list(", \"positive\": [", record.positives);
  list(", \"negative\": [", record.negatives);
  return line + '}';
}

}  // namespace nvembed::train
