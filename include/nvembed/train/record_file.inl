#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/train/record_file.hpp>
#include <nvembed/train/record_line.hpp>

namespace nvembed::train {

NVEMBED_INLINE RecordFile::RecordFile(const std::string& path, const RecordFileOptions& options) {
  lines_ = LineIndex(path, [&](std::string_view line, Index number) {
    try {
      parse_record(line, LineIndex::where(path, number), &counts_);
      return true;
    } catch (const FileError& e) {
      if (options.on_bad_record == OnBadRecord::error) throw;
      ++counts_.bad;
      if (options.notice) options.notice(cat(e.what(), "; left out"));
      return false;
    }
  });
  require<FileError>(size() > 0, "records", path, ": no ", counts_.bad ? "usable " : "", "records");
  if (options.notice && counts_.dropped() > 0)
    options.notice(cat("[records] ", path, ": texts left out of records: ", counts_.negatives_that_answer,
                       " negatives that equal a positive, ", counts_.negatives_of_query,
                       " negatives that equal the query, ", counts_.repeated, " that stand there twice"));
}

NVEMBED_INLINE Record RecordFile::at(Index i) const {
  require<InputError>(i >= 0 && i < size(), "records", path(), " has no record ", i, ", it has ", size());
  const std::string_view line = lines_[i];
  try {
    return parse_record(line, path());
  } catch (const FileError&) {
    return parse_record(line, where(i));  // the same again, now with the line's number, which takes counting
  }
}

}  // namespace nvembed::train
