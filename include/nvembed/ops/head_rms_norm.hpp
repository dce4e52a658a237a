#pragma once

#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// RMSNorm of every q and every k head on its own, over the leading q_heads + kv_heads blocks of a fused q,k,v row
/// (Qwen3's q_norm and k_norm). Formula: RmsNorm with d = head_dim.
struct HeadRmsNorm {
  Index q_heads = 0, kv_heads = 0, head_dim = 0;
  double eps = 1e-6;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> qkv, q_weight, k_weight;
  };

  /// qkv (n, (q_heads + 2 kv_heads) head_dim), weights (1, head_dim) -> qk (n, (q_heads + kv_heads) head_dim)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& qkv,
                       const Tensor<B, T>& q_weight, const Tensor<B, T>& k_weight) const {
    detail::check_width("head_rms_norm", qkv, (q_heads + 2 * kv_heads) * head_dim);
    detail::check_vector("head_rms_norm", "q_weight", q_weight, head_dim);
    detail::check_vector("head_rms_norm", "k_weight", k_weight, head_dim);
    const Index q = q_heads * head_dim, k = kv_heads * head_dim;
    Tensor<B, T> y(lane, {qkv.rows(), q + k});
    be.head_rms_norm(lane, qkv.mat().columns(0, q), q_weight.flat(), eps, y.mat().columns(0, q));
    be.head_rms_norm(lane, qkv.mat().columns(q, k), k_weight.flat(), eps, y.mat().columns(q, k));
    if (saved) *saved = {qkv, q_weight, k_weight};
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 3> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need need) const {
    const Index q = q_heads * head_dim, k = kv_heads * head_dim;
    std::array<Tensor<B, T>, 3> d;
    MatView<T> dq, dk;
    if (need[0]) {
      d[0] = detail::zeros<B, T>(be, lane, saved.qkv.rows(), saved.qkv.cols());  // values pass by
      dq = d[0].mat().columns(0, q), dk = d[0].mat().columns(q, k);
    }
    for (const std::size_t i : {1, 2})
      if (need[i]) d[i] = Tensor<B, T>(lane, {1, head_dim});
    be.head_rms_norm_backward(lane, dy.mat().columns(0, q), saved.qkv.mat().columns(0, q), saved.q_weight.flat(), eps,
                              dq, d[1].flat());
    be.head_rms_norm_backward(lane, dy.mat().columns(q, k), saved.qkv.mat().columns(q, k), saved.k_weight.flat(), eps,
                              dk, d[2].flat());
    return d;
  }
};

}  // namespace nvembed::ops
