#pragma once

#include <nvembed/core/kernel_args.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// The two halves of each row joined: silu(first) * second, or first * gelu(second) in the exact erf form
/// (arXiv 2002.05202).
struct Gated {
  Gate gate = Gate::swiglu;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> x;  // (n, 2m)
  };

  /// x (n, 2m) -> (n, m)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x) const {
    require<ShapeError>(x && x.shape().rank() == 2 && x.cols() % 2 == 0, "gated", "x ", x.shape().str(),
                        " does not split into two halves");
    Tensor<B, T> y(lane, {x.rows(), x.cols() / 2});
    be.gated(lane, x.mat(), gate, y.mat());
    if (saved) *saved = {x};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need) const {
    Tensor<B, T> dx(lane, saved.x.shape());
    be.gated_backward(lane, dy.mat(), saved.x.mat(), gate, dx.mat());
    return {dx};
  }

  /// The result again, from what is saved.
  template <class B, class T>
  Tensor<B, T> remake(const B& be, typename B::Lane& lane, const Saved<B, T>& saved) const {
    return forward(be, lane, SavedArg<Saved<B, T>>(nullptr), saved.x);
  }
};

}  // namespace nvembed::ops
