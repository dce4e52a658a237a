#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/grade_range.hpp>
#include <nvembed/train/line_index.hpp>
#include <nvembed/train/record.hpp>
#include <nvembed/train/record_counts.hpp>
#include <nvembed/train/record_file_options.hpp>
#include <string>
#include <string_view>

namespace nvembed::train {

/// The pair of one line, `{"text1": text, "text2": text, "score": number}`, other keys passed over: a record whose
/// query is text1 and whose positive is text2, its grade brought from `range` to [0, 1]. Throws FileError naming
/// `where`
/// (`FILE, line N`) for broken JSON, invalid UTF-8, a key that is missing or of the wrong type, a text that is empty or
/// blank, and a score outside the range.
NVEMBED_INLINE Record parse_graded_pair(std::string_view line, const std::string& where, const GradeRange& range);

/// The pairs of a `.jsonl` file (blank lines are passed over), read when they are asked for. All are parsed once when
/// the file is opened.
class GradedRecords {
 public:
  /// Throws FileError where the file cannot be read, a pair is broken (unless such are skipped), or none is left.
  NVEMBED_INLINE GradedRecords(const std::string& path, const GradeRange& range, const RecordFileOptions& options = {});

  Index size() const { return lines_.size(); }
  /// Throws as RecordFile::at.
  NVEMBED_INLINE Record at(Index i) const;
  std::string where(Index i) const { return lines_.where(i); }
  const RecordCounts& counts() const { return counts_; }

 private:
  GradeRange range_;
  RecordCounts counts_;
  LineIndex lines_;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/graded_records.inl>
#endif
