#pragma once

#include <cstdint>
#include <nvembed/core/segment.hpp>

namespace nvembed::cuda {

/// A packed batch's segments as kernels read them; the pointers are device memory.
struct BatchLayout {
  const Segment* segments = nullptr;          // (texts)
  const std::int32_t* row_segment = nullptr;  // (rows): row r belongs to segments[row_segment[r]]; -1: to none
  Index texts = 0, rows = 0;
};

}  // namespace nvembed::cuda
