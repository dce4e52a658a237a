#pragma once

#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/pool/pooler.hpp>

namespace nvembed::pool {

/// Mean of the pooled token states.
struct Mean {
  template <class Self, class V>
  static void reflect(Self&, V&&) {}

  /// The rows of a text that are read, relative to its first.
  static Range reads(const Segment& s) { return {s.pool_begin, s.size}; }

  /// hidden (tokens, dim) -> (texts, dim)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& hidden, const Packed& batch) const {
    return cx.apply(ops::SegmentMean{batch.shared_segments()}, hidden);
  }
};

}  // namespace nvembed::pool
