#pragma once

#include <nvembed/core/accumulate.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y_ij = w_j z_ij + b_j,  z_ij = (x_ij - m_i) r_i,  m = mean, r = (biased variance + eps)^(-1/2)      [Ba et al. 2016]
/// dx_ij = r_i (g_ij - mean_j g_ij - z_ij mean_j g_ij z_ij),  g = w dy;  dw_j = sum_i dy_ij z_ij;  db_j = sum_i dy_ij
struct LayerNorm {
  double eps = 1e-5;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> x, weight, bias;           // (n, d), (1, d), (1, d)
    Tensor<B, accumulate_t<T>> mean, rstd;  // (n)
  };

  /// x (n, d), weight and bias (1, d) -> (n, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& x,
                       const Tensor<B, T>& weight, const Tensor<B, T>& bias) const {
    detail::check_width("layer_norm", x, weight.size());
    detail::check_vector("layer_norm", "bias", bias, x.cols());
    Tensor<B, T> y(lane, x.shape());
    Tensor<B, accumulate_t<T>> mean, rstd;
    if (saved) mean = Tensor<B, accumulate_t<T>>(lane, {x.rows()}), rstd = Tensor<B, accumulate_t<T>>(lane, {x.rows()});
    be.layer_norm(lane, x.mat(), weight.flat(), bias.flat(), eps, y.mat(), mean.flat(), rstd.flat());
    if (saved) *saved = {x, weight, bias, mean, rstd};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 3> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need need) const {
    std::array<Tensor<B, T>, 3> d;
    MatView<T> dx;
    if (need[0]) dx = (d[0] = Tensor<B, T>(lane, saved.x.shape())).mat();
    for (const std::size_t i : {1, 2})
      if (need[i]) d[i] = Tensor<B, T>(lane, {1, saved.x.cols()});
    be.layer_norm_backward(lane, dy.mat(), saved.x.mat(), saved.weight.flat(), saved.mean.flat(), saved.rstd.flat(), dx,
                           d[1].flat(), d[2].flat());
    return d;
  }

  /// The result again, from what is saved.
  template <class B, class T>
  Tensor<B, T> remake(const B& be, typename B::Lane& lane, const Saved<B, T>& saved) const {
    return forward(be, lane, SavedArg<Saved<B, T>>(nullptr), saved.x, saved.weight, saved.bias);
  }
};

}  // namespace nvembed::ops
