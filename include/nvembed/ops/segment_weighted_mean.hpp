#pragma once

#include <memory>
#include <nvembed/core/segment.hpp>
#include <nvembed/ops/op.hpp>
#include <span>
#include <vector>

namespace nvembed::ops {

/// y_s = sum_i i x_i / sum_i i over the pooled rows of text s, i counted 1, 2, ... from the text's first token (pooled
/// or not, as Sentence-Transformers counts): later tokens of a causal decoder have seen more (SGPT, arXiv 2202.08904).
struct SegmentWeightedMean {
  std::shared_ptr<const std::vector<Segment>> segments;

  template <class B, class T>
  using Saved = SavesNothing;

  /// x (tokens, d) -> (texts, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<SavesNothing>, const Tensor<B, T>& x) const {
    for (const Segment& s : *segments)
      require<ShapeError>(s.pool_begin < s.size && s.begin + s.size <= x.rows(), "segment_weighted_mean", "rows ",
                          s.begin + s.pool_begin, " to ", s.begin + s.size, " of x ", x.shape().str(),
                          " cannot be pooled");
    Tensor<B, T> y(lane, {static_cast<Index>(segments->size()), x.cols()});
    be.segment_weighted_mean(lane, x.mat(), std::span<const Segment>(*segments), y.mat());
    return y;
  }
};

}  // namespace nvembed::ops
