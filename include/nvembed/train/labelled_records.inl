#pragma once

#include <algorithm>
#include <map>
#include <nvembed/core/error.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/train/json_line.hpp>
#include <nvembed/train/labelled_records.hpp>
#include <nvembed/train/permutation.hpp>
#include <unordered_map>

namespace nvembed::train {
namespace detail {

inline std::string label_of(const Json& object, const std::string& where) {
  const Json& label = json_at(object, "label", where);
  if (label.is_string()) return label.get<std::string>();
  if (!label.is_number_integer()) json_mismatch(label, "label", where, "a string or an integer");
  return label.dump();
}

}  // namespace detail

NVEMBED_INLINE LabelledRecords::LabelledRecords(const std::string& path, LabelOptions options, std::uint64_t seed,
                                                const RecordFileOptions& file_options)
    : options_(std::move(options)), seed_(seed) {
  require<InputError>(options_.negatives > 0, "records", path, ": ", options_.negatives, " negatives a record");
  std::map<std::string, std::uint32_t> labels;
  std::vector<std::uint32_t> class_of_line;
  std::unordered_multimap<std::uint64_t, std::uint32_t> seen;  // classes that have a text, by its hash
  lines_ = LineIndex(path, [&](std::string_view line, Index number) {
    const std::string where = LineIndex::where(path, number);
    try {
      Json object = detail::parse_line(line, where);
      const std::string text = detail::take_text(object, "text", where), label = detail::label_of(object, where);
      const auto c = labels.try_emplace(label, static_cast<std::uint32_t>(labels.size())).first->second;
      const auto [begin, end] = seen.equal_range(fnv1a(std::as_bytes(std::span(text))));
      const bool again = std::any_of(begin, end, [&](const auto& s) { return s.second == c; });
      if (again) {
        ++counts_.repeated;
        return false;
      }
      if (begin != end) ++counts_.ambiguous;
      seen.emplace(fnv1a(std::as_bytes(std::span(text))), c);
      class_of_line.push_back(c);
      return true;
    } catch (const FileError& e) {
      if (file_options.on_bad_record == OnBadRecord::error) throw;
      ++counts_.bad;
      if (file_options.notice) file_options.notice(cat(e.what(), "; left out"));
      return false;
    }
  });
  require<FileError>(lines_.size() <= 0xFFFFFFFF, "records", path, ": more than 4,294,967,295 texts");

  // Classes that can have records, numbered anew.
  constexpr std::uint32_t none = 0xFFFFFFFF;
  std::vector<Index> sizes(labels.size());
  for (const std::uint32_t c : class_of_line) ++sizes[c];
  std::vector<std::uint32_t> renumbered(labels.size(), none);
  for (const auto& [label, c] : labels) {
    if (options_.mode == LabelMode::example && sizes[c] < 2) {
      ++counts_.lone;
      continue;
    }
    renumbered[c] = static_cast<std::uint32_t>(classes_.size());
    const auto text = options_.texts.find(label);
    classes_.push_back({0, sizes[c], text == options_.texts.end() ? label : text->second});
  }
  require<FileError>(classes_.size() >= 2, "records", path, ": ", classes_.size(), " classes",
                     options_.mode == LabelMode::example ? " of two texts and more" : "",
                     "; records need texts of at least two");
  if (options_.mode == LabelMode::label)
    for (const Class& c : classes_)
      require<InputError>(c.text.find_first_not_of(" \t\r\n\v\f") != c.text.npos, "records", path,
                          ": the text of a label is blank");
  for (std::size_t c = 1; c < classes_.size(); ++c)
    classes_[c].begin = classes_[c - 1].end, classes_[c].end += classes_[c].begin;

  const std::size_t n = static_cast<std::size_t>(classes_.back().end);
  members_.resize(n);
  std::vector<Index> next(classes_.size());
  for (std::size_t c = 0; c < classes_.size(); ++c) next[c] = classes_[c].begin;
  for (std::size_t line = 0; line < class_of_line.size(); ++line) {
    const std::uint32_t c = renumbered[class_of_line[line]];
    if (c == none) continue;
    queries_.push_back(static_cast<std::uint32_t>(line));
    class_of_.push_back(c);
    place_of_.push_back(static_cast<std::uint32_t>(next[c]));
    members_[static_cast<std::size_t>(next[c]++)] = static_cast<std::uint32_t>(line);
  }
  counts_.texts = size();
  counts_.classes = static_cast<Index>(classes_.size());
  if (file_options.notice && counts_.repeated + counts_.lone > 0)
    file_options.notice(cat("[records] ", path, ": texts left out: ", counts_.repeated,
                            " that their class had before, ", counts_.lone, " that are alone in their class"));
}

NVEMBED_INLINE std::string LabelledRecords::text(Index line) const {
  const auto parse = [&](const std::string& where) {
    Json object = detail::parse_line(lines_[line], where);
    return detail::take_text(object, "text", where);
  };
  try {
    return parse(lines_.path());
  } catch (const FileError&) {
    return parse(lines_.where(line));
  }
}

NVEMBED_INLINE Record LabelledRecords::at(Index i, std::uint64_t epoch) const {
  require<InputError>(i >= 0 && i < size(), "records", lines_.path(), " has no record ", i, ", it has ", size());
  const std::size_t at = static_cast<std::size_t>(i);
  const Index own = class_of_[at];
  const Class& c = classes_[static_cast<std::size_t>(own)];
  const CounterRng key = CounterRng(seed_).at(static_cast<std::uint64_t>(i));
  Record r;
  r.query = text(queries_[at]);
  const auto add_negatives = [&](Index candidates, auto&& candidate) {
    const Permutation order(candidates, key.at(1).at(epoch));
    for (Index x = 0; x < candidates && static_cast<Index>(r.negatives.size()) < options_.negatives; ++x) {
      std::string t = candidate(order(x));
      // A text may stand in several classes, and two labels may have one text.
      if (t != r.query && t != r.positives[0] &&
          std::find(r.negatives.begin(), r.negatives.end(), t) == r.negatives.end())
        r.negatives.push_back(std::move(t));
    }
  };
  if (options_.mode == LabelMode::label) {
    r.positives.push_back(c.text);
    add_negatives(static_cast<Index>(classes_.size()) - 1,
                  [&](Index x) { return classes_[static_cast<std::size_t>(x < own ? x : x + 1)].text; });
    return r;
  }
  const auto member = [&](Index place) { return text(members_[static_cast<std::size_t>(place)]); };
  const auto others = static_cast<std::uint64_t>(c.size() - 1);
  const Index place =
      c.begin + Permutation(c.size() - 1, key.at(0).at(epoch / others))(static_cast<Index>(epoch % others));
  r.positives.push_back(member(place < place_of_[at] ? place : place + 1));
  add_negatives(static_cast<Index>(members_.size()) - c.size(),
                [&](Index x) { return member(x < c.begin ? x : x + c.size()); });
  return r;
}

}  // namespace nvembed::train
