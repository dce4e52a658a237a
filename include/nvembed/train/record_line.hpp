#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/record.hpp>
#include <nvembed/train/record_counts.hpp>
#include <string>
#include <string_view>

namespace nvembed::train {

/// The record of one line, `{"query": text, "positive": [text, ...], "negative": [text, ...]}`; "negative" may be
/// empty or missing, other keys are passed over. A negative that equals the query, a positive or an earlier negative is
/// dropped, as is a repeated positive; `counts`, where given, is told of the record and of what was dropped. Equal is
/// equal to the byte. Throws FileError naming `where` (`FILE, line N`) for broken JSON, invalid UTF-8, a key that is
/// missing or of the wrong type, no positive, and a text that is empty or blank.
NVEMBED_INLINE Record parse_record(std::string_view line, const std::string& where, RecordCounts* counts = nullptr);

/// The line of a record, without a line break: what parse_record reads. Throws InputError where a text is no UTF-8.
NVEMBED_INLINE std::string record_line(const Record& record);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/record_line.inl>
#endif
