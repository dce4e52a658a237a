#pragma once

#include <algorithm>
#include <nvembed/core/error.hpp>
#include <nvembed/train/line_index.hpp>

namespace nvembed::train {

NVEMBED_INLINE Index LineIndex::number(Index i) const {
  const std::string_view before = all().substr(0, begins_[static_cast<std::size_t>(i)]);
  return 1 + static_cast<Index>(std::count(before.begin(), before.end(), '\n'));
}

NVEMBED_INLINE std::string LineIndex::where(const std::string& path, Index number) {
  return cat(path, ", line ", number);
}

NVEMBED_INLINE std::string LineIndex::where(Index i) const { return where(path(), number(i)); }

}  // namespace nvembed::train
