#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/line_index.hpp>
#include <nvembed/train/record.hpp>
#include <nvembed/train/record_counts.hpp>
#include <nvembed/train/record_file_options.hpp>
#include <string>

namespace nvembed::train {

/// The records of a `.jsonl` file (record_line.hpp has the format; blank lines are passed over), read when they are
/// asked for: 8 bytes a record are kept. All are parsed once when the file is opened, so that a broken one is told
/// before training and not in its midst.
class RecordFile {
 public:
  /// Throws FileError where the file cannot be read, a record is broken (unless such are skipped), or none is left.
  NVEMBED_INLINE explicit RecordFile(const std::string& path, const RecordFileOptions& options = {});

  /// Usable records.
  Index size() const { return lines_.size(); }
  /// Record i in [0, size()). Any number of threads may ask. Throws FileError where the file was changed meanwhile,
  /// InputError for another i.
  NVEMBED_INLINE Record at(Index i) const;
  /// `FILE, line N`, of record i; for messages.
  std::string where(Index i) const { return lines_.where(i); }
  const std::string& path() const { return lines_.path(); }
  const RecordCounts& counts() const { return counts_; }

 private:
  RecordCounts counts_;
  LineIndex lines_;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/record_file.inl>
#endif
