#pragma once

#include <nvembed/ops/segment_weighted_mean.hpp>
#include <nvembed/pool/pooler.hpp>

namespace nvembed::pool {

/// Mean of the pooled tokens with weights that grow with the position in the text, 1, 2, 3, ... (SGPT, arXiv
/// 2202.08904).
struct WeightedMean {
  template <class Self, class V>
  static void reflect(Self&, V&&) {}

  /// hidden (tokens, dim) -> (texts, dim)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& hidden, const Packed& batch) const {
    return cx.apply(ops::SegmentWeightedMean{batch.shared_segments()}, hidden);
  }
};

}  // namespace nvembed::pool
