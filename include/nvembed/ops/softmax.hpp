#pragma once

#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// softmax(scale x) over each group of `group` neighbouring columns. dx = scale y (dy - sum_group dy y)
struct Softmax {
  Index group = 0;
  double scale = 1;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> y;
  };

  /// x (n, groups * group) -> the same shape
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x) const {
    require<ShapeError>(x && x.shape().rank() == 2 && group > 0 && x.cols() % group == 0, "softmax", "x ",
                        x.shape().str(), " does not split into groups of ", group);
    Tensor<B, T> y(lane, x.shape());
    be.softmax(lane, x.mat(), group, scale, y.mat());
    if (saved) *saved = {y};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need) const {
    Tensor<B, T> dx(lane, dy.shape());
    be.softmax_backward(lane, dy.mat(), saved.y.mat(), group, scale, dx.mat());
    return {dx};
  }
};

}  // namespace nvembed::ops
