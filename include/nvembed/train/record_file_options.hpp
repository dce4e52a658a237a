#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace nvembed::train {

/// What to do with a line that is no record: refuse the file, or leave the line out, count it and tell of it.
enum class OnBadRecord : std::uint8_t { error, skip };

/// How a file of records is opened.
struct RecordFileOptions {
  OnBadRecord on_bad_record = OnBadRecord::error;
  /// Told, in one line each, of every line that is skipped, and once a file of the texts that were dropped.
  std::function<void(const std::string&)> notice = {};
};

}  // namespace nvembed::train
