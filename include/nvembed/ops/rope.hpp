#pragma once

#include <memory>
#include <nvembed/core/accumulate.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/ops/op.hpp>
#include <span>
#include <vector>

namespace nvembed::ops {

/// Rotary position embedding (arXiv 2104.09864) in the split-halves layout: with a, b the halves of a head at position
/// p, (a, b) -> (a cos_p - b sin_p, b cos_p + a sin_p). Positions count from 0 in each text. Its backward is the same
/// with -sin.
template <class B, class T>
struct Rope {
  std::shared_ptr<const std::vector<Segment>> segments;
  Tensor<B, accumulate_t<T>> cos, sin;  // (positions, head_dim / 2)
  Index heads = 0;                      // leading heads of each row that are rotated (all q, all k)

  struct Saved {
    Tensor<B, T> x;
  };

  /// qkv (n, at least heads * head_dim) -> (n, heads * head_dim)
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved> saved, const Tensor<B, T>& qkv) const {
    const Index width = heads * 2 * cos.cols();
    require<ShapeError>(qkv && qkv.shape().rank() == 2 && qkv.cols() >= width, "rope", "x ", qkv.shape().str(),
                        " holds no ", heads, " heads of ", 2 * cos.cols());
    for (const Segment& s : *segments)
      require<ShapeError>(s.size <= cos.rows() && s.begin + s.size <= qkv.rows(), "rope", "a text of ", s.size,
                          " tokens at row ", s.begin, " does not fit x ", qkv.shape().str(), " and table ",
                          cos.shape().str());
    Tensor<B, T> y(lane, {qkv.rows(), width});
    be.rope(lane, qkv.mat().columns(0, width), std::span<const Segment>(*segments), cos.mat(), sin.mat(), y.mat());
    if (saved) saved->x = qkv;
    return y;
  }

  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved& saved, const Tensor<B, T>& dy,
                                       Need) const {
    Tensor<B, T> dx = saved.x.cols() == dy.cols() ? Tensor<B, T>(lane, dy.shape())
                                                  : detail::zeros<B, T>(be, lane, dy.rows(), saved.x.cols());
    be.rope_backward(lane, dy.mat(), std::span<const Segment>(*segments), cos.mat(), sin.mat(),
                     dx.mat().columns(0, dy.cols()));
    return {dx};
  }

  /// The result again, from what is saved.
  Tensor<B, T> remake(const B& be, typename B::Lane& lane, const Saved& saved) const {
    return forward(be, lane, nullptr, saved.x);
  }
};

}  // namespace nvembed::ops
