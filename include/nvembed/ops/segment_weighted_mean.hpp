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

  struct Saved {
    Index rows = 0;  // of the input
  };

  /// x (tokens, d) -> (texts, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved> saved, const Tensor<B, T>& x) const {
    for (const Segment& s : *segments)
      require<ShapeError>(s.pool_begin < s.size && s.begin + s.size <= x.rows(), "segment_weighted_mean", "rows ",
                          s.begin + s.pool_begin, " to ", s.begin + s.size, " of x ", x.shape().str(),
                          " cannot be pooled");
    Tensor<B, T> y(lane, {static_cast<Index>(segments->size()), x.cols()});
    be.segment_weighted_mean(lane, x.mat(), std::span<const Segment>(*segments), y.mat());
    if (saved) saved->rows = x.rows();
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved& saved, const Tensor<B, T>& dy,
                                       Need) const {
    Tensor<B, T> dx(lane, {saved.rows, dy.cols()});
    be.segment_weighted_mean_backward(lane, dy.mat(), std::span<const Segment>(*segments), dx.mat());
    return {dx};
  }
};

}  // namespace nvembed::ops
