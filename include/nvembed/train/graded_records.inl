#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/short_number.hpp>
#include <nvembed/train/graded_records.hpp>
#include <nvembed/train/json_line.hpp>

namespace nvembed::train {

NVEMBED_INLINE Record parse_graded_pair(std::string_view line, const std::string& where, const GradeRange& range) {
  Json object = detail::parse_line(line, where);
  Record r;
  r.query = detail::take_text(object, "text1", where);
  r.positives.push_back(detail::take_text(object, "text2", where));
  const double score = json_get<double>(object, "score", where);
  require<FileError>(score >= range.low && score <= range.high, "records", where, ": score: is ", short_number(score),
                     "; the task's grades go from ", short_number(range.low), " to ", short_number(range.high));
  r.grade = (score - range.low) / (range.high - range.low);
  return r;
}

NVEMBED_INLINE GradedRecords::GradedRecords(const std::string& path, const GradeRange& range,
                                            const RecordFileOptions& options)
    : range_(range) {
  lines_ = LineIndex(path, [&](std::string_view line, Index number) {
    try {
      parse_graded_pair(line, LineIndex::where(path, number), range_);
      ++counts_.records, ++counts_.positives;
      return true;
    } catch (const FileError& e) {
      if (options.on_bad_record == OnBadRecord::error) throw;
      ++counts_.bad;
      if (options.notice) options.notice(cat(e.what(), "; left out"));
      return false;
    }
  });
  require<FileError>(size() > 0, "records", path, ": no ", counts_.bad ? "usable " : "", "records");
}

NVEMBED_INLINE Record GradedRecords::at(Index i) const {
  require<InputError>(i >= 0 && i < size(), "records", lines_.path(), " has no record ", i, ", it has ", size());
  const std::string_view line = lines_[i];
  try {
    return parse_graded_pair(line, lines_.path(), range_);
  } catch (const FileError&) {
    return parse_graded_pair(line, where(i), range_);  // the same again, now with the line's number
  }
}

}  // namespace nvembed::train
