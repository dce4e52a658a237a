#pragma once

#include <nvembed/core/accumulate.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y_ij = w_j x_ij r_i,  r_i = (mean_j x_ij^2 + eps)^(-1/2)                            [Zhang, Sennrich 2019]
/// dx_ij = r_i (w_j dy_ij - x_ij r_i^2 c_i),  c_i = mean_j w_j dy_ij x_ij;  dw_j = sum_i dy_ij x_ij r_i
struct RmsNorm {
  double eps = 1e-6;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> x, weight;           // (n, d), (1, d)
    Tensor<B, accumulate_t<T>> rstd;  // (n)
  };

  /// x (n, d), weight (1, d) -> (n, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x,
                       const Tensor<B, T>& weight) const {
    detail::check_width("rms_norm", x, weight.size());
    Tensor<B, T> y(lane, x.shape());
    Tensor<B, accumulate_t<T>> rstd;
    if (saved) rstd = Tensor<B, accumulate_t<T>>(lane, {x.rows()});
    be.rms_norm(lane, x.mat(), weight.flat(), eps, y.mat(), rstd.flat());
    if (saved) *saved = {x, weight, rstd};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 2> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need need) const {
    std::array<Tensor<B, T>, 2> d;
    MatView<T> dx;
    if (need[0]) dx = (d[0] = Tensor<B, T>(lane, saved.x.shape())).mat();
    if (need[1]) d[1] = Tensor<B, T>(lane, {1, saved.x.cols()});
    be.rms_norm_backward(lane, dy.mat(), saved.x.mat(), saved.weight.flat(), saved.rstd.flat(), dx, d[1].flat());
    return d;
  }

  /// The result again, from what is saved.
  template <class B, class T>
  Tensor<B, T> remake(const B& be, typename B::Lane& lane, const Saved<B, T>& saved) const {
    return forward(be, lane, SavedArg<Saved<B, T>>(nullptr), saved.x, saved.weight);
  }
};

}  // namespace nvembed::ops
