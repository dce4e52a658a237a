#pragma once

#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y = x W^T + bias + residual, W a plain tensor that may be trained. dx = dy W;  dW = dy^T x;  dbias = sum_i dy_i;
/// dresidual = dy
struct DenseLinear {
  template <class B, class T>
  struct Saved {
    Tensor<B, T> x, weight;
  };

  /// x (n, in), weight (out, in), bias (1, out) or left out, residual (n, out) or left out -> (n, out)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x,
                       const Tensor<B, T>& weight, const Tensor<B, T>& bias = {},
                       const Tensor<B, T>& residual = {}) const {
    const bool matrices = x && weight && x.shape().rank() == 2 && weight.shape().rank() == 2;
    require<ShapeError>(matrices && x.cols() == weight.cols(), "dense_linear", "x ", x.shape().str(),
                        " does not fit weight ", weight.shape().str());
    Tensor<B, T> y(lane, {x.rows(), weight.rows()});
    be.matmul(lane, x.mat(), false, weight.mat(), true, T(1), y.mat());
    if (bias) {
      detail::check_vector("dense_linear", "bias", bias, y.cols());
      be.add(lane, std::as_const(y).mat(), detail::every_row(bias, y.rows()), y.mat());
    }
    if (residual) {
      require<ShapeError>(residual.shape() == y.shape(), "dense_linear", "residual ", residual.shape().str(),
                          " does not fit result ", y.shape().str());
      be.add(lane, std::as_const(y).mat(), residual.mat(), y.mat());
    }
    if (saved) *saved = {x, weight};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 4> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need need) const {
    std::array<Tensor<B, T>, 4> d;
    if (need[0]) {
      d[0] = Tensor<B, T>(lane, saved.x.shape());
      be.matmul(lane, dy.mat(), false, saved.weight.mat(), false, T(1), d[0].mat());
    }
    if (need[1]) {
      d[1] = Tensor<B, T>(lane, saved.weight.shape());
      be.matmul(lane, dy.mat(), true, saved.x.mat(), false, T(1), d[1].mat());
    }
    if (need[2]) d[2] = detail::column_sums(be, lane, dy);
    if (need[3]) d[3] = dy;
    return d;
  }

  /// The first input, as it is kept for backward.
  template <class B, class T>
  static Tensor<B, T>& kept(Saved<B, T>& saved) {
    return saved.x;
  }
};

}  // namespace nvembed::ops
