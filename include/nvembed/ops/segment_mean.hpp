#pragma once

#include <memory>
#include <nvembed/core/segment.hpp>
#include <nvembed/ops/op.hpp>
#include <span>
#include <vector>

namespace nvembed::ops {

/// y_s = mean of the pooled rows of text s. dx_i = dy_s / count_s for pooled rows, else 0.
struct SegmentMean {
  std::shared_ptr<const std::vector<Segment>> segments;

  template <class B, class T>
  using Saved = SavesNothing;

  /// x (tokens, d) -> (texts, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<SavesNothing>, const Tensor<B, T>& x) const {
    for (const Segment& s : *segments)
      require<ShapeError>(s.pool_begin < s.size && s.begin + s.size <= x.rows(), "segment_mean", "rows ",
                          s.begin + s.pool_begin, " to ", s.begin + s.size, " of x ", x.shape().str(),
                          " cannot be pooled");
    Tensor<B, T> y(lane, {static_cast<Index>(segments->size()), x.cols()});
    be.segment_mean(lane, x.mat(), std::span<const Segment>(*segments), y.mat());
    return y;
  }
};

}  // namespace nvembed::ops
