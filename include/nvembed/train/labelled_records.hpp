#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/train/label_options.hpp>
#include <nvembed/train/labelled_counts.hpp>
#include <nvembed/train/line_index.hpp>
#include <nvembed/train/record.hpp>
#include <nvembed/train/record_file_options.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::train {

/// Records made of a `.jsonl` file of `{"text": text, "label": string or integer}`, each text once the query
/// (label_options.hpp has the two modes). Positive and negatives are drawn by (seed, record, epoch) alone. Memory: 24
/// bytes a text, about 80 while the file is opened.
class LabelledRecords {
 public:
  /// Throws FileError where the file cannot be read, a line is broken (unless such are skipped), or fewer than two
  /// classes are left; InputError for options that make no sense.
  NVEMBED_INLINE LabelledRecords(const std::string& path, LabelOptions options, std::uint64_t seed,
                                 const RecordFileOptions& file_options = {});

  Index size() const { return static_cast<Index>(queries_.size()); }
  /// The record of text i. Example-based, the positive of epoch e is another text of the class, all of them in turn
  /// before one comes again, the negatives are fresh ones, uniform over the texts of all other classes. Label-based,
  /// where there are more other labels than wanted, each epoch draws its own. A negative equals neither query nor
  /// positive. Throws as RecordFile::at.
  NVEMBED_INLINE Record at(Index i, std::uint64_t epoch = 0) const;
  std::string where(Index i) const { return lines_.where(queries_[static_cast<std::size_t>(i)]); }
  const LabelledCounts& counts() const { return counts_; }

 private:
  /// A class: its part of `members_`, and its label's text.
  struct Class {
    Index begin = 0, end = 0;
    std::string text;
    Index size() const { return end - begin; }
  };

  NVEMBED_INLINE std::string text(Index line) const;

  LabelOptions options_;
  std::uint64_t seed_ = 0;
  LabelledCounts counts_;
  LineIndex lines_;
  std::vector<Class> classes_;
  std::vector<std::uint32_t> queries_;              // lines of the queries, in file order
  std::vector<std::uint32_t> members_;              // the same, by class
  std::vector<std::uint32_t> class_of_, place_of_;  // of each query: its class, and its place in `members_`
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/labelled_records.inl>
#endif
