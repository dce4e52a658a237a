#pragma once

#include <nvembed/core/accumulate.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y_i = x_i / max(|x_i|, 1e-12), as torch.nn.functional.normalize. dx_i = (dy_i - y_i (y_i . dy_i)) / |x_i|
struct L2Normalize {
  template <class B, class T>
  struct Saved {
    Tensor<B, T> y;                   // (n, d)
    Tensor<B, accumulate_t<T>> norm;  // (n)
  };

  /// x (n, d) -> (n, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x) const {
    Tensor<B, T> y(lane, x.shape());
    Tensor<B, accumulate_t<T>> norm;
    if (saved) norm = Tensor<B, accumulate_t<T>>(lane, {x.rows()});
    be.l2_normalize(lane, x.mat(), y.mat(), norm.flat());
    if (saved) *saved = {y, norm};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 1> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need) const {
    Tensor<B, T> dx(lane, dy.shape());
    be.l2_normalize_backward(lane, dy.mat(), saved.y.mat(), saved.norm.flat(), dx.mat());
    return {dx};
  }
};

}  // namespace nvembed::ops
