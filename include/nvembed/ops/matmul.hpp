#pragma once

#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y = alpha a b, or alpha a b^T with `transpose_b`: a product of two plain tensors (trainable weights, scores).
/// da = alpha dy op(b)^T;  db = alpha a^T dy, or its transpose.
struct Matmul {
  bool transpose_b = false;
  double alpha = 1;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> a, b;
  };

  /// a (n, k), b (k, m) or (m, k) -> (n, m)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& a,
                       const Tensor<B, T>& b) const {
    const bool matrices = a && b && a.shape().rank() == 2 && b.shape().rank() == 2;
    require<ShapeError>(matrices && a.cols() == b.shape()[transpose_b ? 1 : 0], "matmul", a.shape().str(),
                        " does not fit ", b.shape().str(), transpose_b ? " transposed" : "");
    Tensor<B, T> y(lane, {a.rows(), b.shape()[transpose_b ? 0 : 1]});
    be.matmul(lane, a.mat(), false, b.mat(), transpose_b, static_cast<T>(alpha), y.mat());
    if (saved) *saved = {a, b};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 2> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need need) const {
    std::array<Tensor<B, T>, 2> d;
    if (need[0]) {
      d[0] = Tensor<B, T>(lane, saved.a.shape());
      be.matmul(lane, dy.mat(), false, saved.b.mat(), !transpose_b, static_cast<T>(alpha), d[0].mat());
    }
    if (need[1]) {
      d[1] = Tensor<B, T>(lane, saved.b.shape());
      if (transpose_b)
        be.matmul(lane, dy.mat(), true, saved.a.mat(), false, static_cast<T>(alpha), d[1].mat());
      else
        be.matmul(lane, saved.a.mat(), true, dy.mat(), false, static_cast<T>(alpha), d[1].mat());
    }
    return d;
  }
};

}  // namespace nvembed::ops
