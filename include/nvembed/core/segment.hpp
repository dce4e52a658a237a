#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed {

/// Half-open range of positions.
struct Range {
  Index begin = 0, end = 0;
  NVEMBED_HD Index size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// One text inside a packed batch: its rows are [begin, begin + size) of every (tokens, dim) matrix.
/// `prefix` and `pool_begin` are two numbers because the released NV-Embed counts the span it leaves out of the pool by
/// another rule than where the instruction really ends.
struct Segment {
  Index begin = 0;       ///< first row in the batch
  Index size = 0;        ///< number of tokens
  Index prefix = 0;      ///< the first `prefix` tokens are BOS and instruction (or literal prefix)
  Index pool_begin = 0;  ///< first token that is pooled, relative to `begin`
  Index index = 0;       ///< number of the text in the caller's order
  bool operator==(const Segment&) const = default;
};

}  // namespace nvembed
