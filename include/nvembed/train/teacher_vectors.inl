#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/train/json_line.hpp>
#include <nvembed/train/teacher_vectors.hpp>

namespace nvembed::train {

NVEMBED_INLINE TeacherVectors::TeacherVectors(const std::string& texts, const std::string& vectors)
    : vectors_(vectors) {
  lines_ = LineIndex(texts, [&](std::string_view line, Index number) {
    const std::string where = LineIndex::where(texts, number);
    Json object = detail::parse_line(line, where);
    const std::string text = detail::take_text(object, "text", where);
    const auto row = static_cast<Index>(rows_.size());
    rows_.emplace(fnv1a(text), row);
    return true;
  });
  require<FileError>(lines_.size() == vectors_.rows() && vectors_.cols() > 0, "teacher", vectors, ": ", vectors_.rows(),
                     " rows of ", vectors_.cols(), " for ", lines_.size(), " texts in ", texts);
  digest_ = fnv1a(vectors_.values());
  for (Index i = 0; i < lines_.size(); ++i) {
    const std::uint64_t line = fnv1a(lines_[i]);
    digest_ = (digest_ ^ line) * 0x100000001B3u;
    const std::vector<float> row = vectors_.row(i);
    require<FileError>(std::any_of(row.begin(), row.end(), [](float x) { return x != 0; }), "teacher", vectors,
                       ": row ", i, " is all zeros");
  }
}

NVEMBED_INLINE std::string TeacherVectors::text(Index i) const {
  Json object = detail::parse_line(lines_[i], lines_.path());
  return detail::take_text(object, "text", lines_.path());
}

NVEMBED_INLINE std::optional<Index> TeacherVectors::find(std::string_view text) const {
  std::optional<Index> row;
  const auto [begin, end] = rows_.equal_range(fnv1a(text));
  for (auto at = begin; at != end; ++at)
    if ((!row || at->second < *row) && this->text(at->second) == text) row = at->second;
  return row;
}

NVEMBED_INLINE std::vector<float> TeacherVectors::unit_row(Index i) const {
  std::vector<float> row = vectors_.row(i);
  double squares = 0;
  for (const float x : row) squares += static_cast<double>(x) * static_cast<double>(x);
  const double length = std::sqrt(squares);
  for (float& x : row) x = static_cast<float>(static_cast<double>(x) / length);
  return row;
}

}  // namespace nvembed::train
