#pragma once

#include <nvembed/core/kernel_args.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y = x W^T + bias + residual, W frozen. dx = dy W;  dbias = sum_i dy_i;  dresidual = dy
template <class B, class T>
struct Linear {
  typename B::template Packed<T> weight;  // (out, in), shared

  using Saved = SavesNothing;

  /// x (n, in), bias (1, out) or left out, residual (n, out) or left out -> (n, out)
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved>, const Tensor<B, T>& x,
                       const Tensor<B, T>& bias = {}, const Tensor<B, T>& residual = {}) const {
    const Index out = weight.rows();
    require<ShapeError>(x && x.shape().rank() == 2 && x.cols() == weight.cols(), "linear", "x ", x.shape().str(),
                        " does not fit weight (", out, ", ", weight.cols(), ")");
    Tensor<B, T> y(lane, {x.rows(), out});
    LinearExtras<T> extras;
    if (bias) {
      detail::check_vector("linear", "bias", bias, out);
      extras.bias = bias.flat();
    }
    if (residual) {
      require<ShapeError>(residual.shape() == y.shape(), "linear", "residual ", residual.shape().str(),
                          " does not fit result ", y.shape().str());
      extras.residual = residual.mat();
    }
    be.linear(lane, x.mat(), weight, extras, y.mat());
    return y;
  }

  std::array<Tensor<B, T>, 3> backward(const B& be, typename B::Lane& lane, const Saved&, const Tensor<B, T>& dy,
                                       Need need) const {
    std::array<Tensor<B, T>, 3> d;
    if (need[0]) {
      d[0] = Tensor<B, T>(lane, {dy.rows(), weight.cols()});
      be.linear_dx(lane, dy.mat(), weight, d[0].mat());
    }
    if (need[1]) d[1] = detail::column_sums(be, lane, dy);
    if (need[2]) d[2] = dy;
    return d;
  }
};

}  // namespace nvembed::ops
