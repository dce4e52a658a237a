#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/train/json_line.hpp>
#include <nvembed/train/teacher_vectors.hpp>
#include <span>

namespace nvembed::train {

NVEMBED_INLINE TeacherVectors::TeacherVectors(const std::string& texts, const std::string& vectors)
    : vectors_(vectors) {
  lines_ = LineIndex(texts, [&](std::string_view line, Index number) {
    const std::string where = LineIndex::where(texts, number);
    Json object = detail::parse_line(line, where);
    const std::string text = detail::take_text(object, "text", where);
    const auto row = static_cast<Index>(rows_.size());
    rows_.emplace(fnv1a(std::as_bytes(std::span(text))), row);
    return true;
  });
  require<FileError>(lines_.size() == vectors_.rows() && vectors_.cols() > 0, "teacher", vectors, ": ", vectors_.rows(),
                     " rows of ", vectors_.cols(), " for ", lines_.size(), " texts in ", texts);
}

NVEMBED_INLINE std::string TeacherVectors::text(Index i) const {
  Json object = detail::parse_line(lines_[i], lines_.path());
  return detail::take_text(object, "text", lines_.path());
}

NVEMBED_INLINE std::optional<Index> TeacherVectors::find(std::string_view text) const {
  std::optional<Index> row;
  const auto [begin, end] = rows_.equal_range(fnv1a(std::as_bytes(std::span(text))));
  for (auto at = begin; at != end; ++at)
    if ((!row || at->second < *row) && this->text(at->second) == text) row = at->second;
  return row;
}

NVEMBED_INLINE std::vector<float> TeacherVectors::unit_row(Index i) const {
  std::vector<float> row = vectors_.row(i);
  double squares = 0;
  for (const float x : row) squares += static_cast<double>(x) * static_cast<double>(x);
  const double length = std::max(std::sqrt(squares), 1e-12);
  for (float& x : row) x = static_cast<float>(static_cast<double>(x) / length);
  return row;
}

}  // namespace nvembed::train
