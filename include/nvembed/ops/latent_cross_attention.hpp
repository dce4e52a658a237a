#pragma once

#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// Every row attends, head by head, to the same few latents: o_h = softmax(scale q_h K_h^T) V_h. No mask and no
/// positions. An op of its own because heads are as wide as the model and keys few: products and a softmax, not a
/// streaming kernel (NV-Embed: 8 heads of 4096, 512 latents).
struct LatentCrossAttention {
  Index heads = 0, head_dim = 0;
  double scale = 1;

  template <class B, class T>
  struct Saved {
    Tensor<B, T> q, kv, p;
  };

  /// q (n, heads head_dim), kv (latents, 2 heads head_dim): keys, then values -> (n, heads head_dim)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved<B, T>> saved, const Tensor<B, T>& q,
                       const Tensor<B, T>& kv) const {
    const Index width = heads * head_dim, latents = kv.rows();
    detail::check_width("latent_cross_attention", q, width);
    detail::check_width("latent_cross_attention", kv, 2 * width);
    Tensor<B, T> s(lane, {q.rows(), heads * latents}), p(lane, s.shape()), y(lane, q.shape());
    for (Index h = 0; h < heads; ++h)
      be.matmul(lane, q.mat().columns(h * head_dim, head_dim), false, kv.mat().columns(h * head_dim, head_dim), true,
                T(1), s.mat().columns(h * latents, latents));
    be.softmax(lane, std::as_const(s).mat(), latents, scale, p.mat());
    for (Index h = 0; h < heads; ++h)
      be.matmul(lane, std::as_const(p).mat().columns(h * latents, latents), false,
                kv.mat().columns(width + h * head_dim, head_dim), false, T(1), y.mat().columns(h * head_dim, head_dim));
    if (saved) *saved = {q, kv, p};
    return y;
  }

  /// With p the softmax: dv_h = p_h^T dy_h; dp_h = dy_h v_h^T; ds = softmax'(dp); dq_h = ds_h k_h; dk_h = ds_h^T q_h
  template <class B, class T>
  std::array<Tensor<B, T>, 2> backward(const B& be, typename B::Lane& lane, const Saved<B, T>& saved,
                                       const Tensor<B, T>& dy, Need) const {
    const Tensor<B, T>&q = saved.q, &kv = saved.kv, &p = saved.p;
    const Index width = heads * head_dim, latents = kv.rows();
    Tensor<B, T> dq(lane, q.shape()), dkv(lane, kv.shape()), dp(lane, p.shape()), ds(lane, p.shape());
    const auto head = [&](auto mat, Index h) { return mat.columns(h * head_dim, head_dim); };
    const auto of_latents = [&](auto mat, Index h) { return mat.columns(h * latents, latents); };
    for (Index h = 0; h < heads; ++h) {
      be.matmul(lane, of_latents(p.mat(), h), true, head(dy.mat(), h), false, T(1),
                dkv.mat().columns(width + h * head_dim, head_dim));
      be.matmul(lane, head(dy.mat(), h), false, kv.mat().columns(width + h * head_dim, head_dim), true, T(1),
                of_latents(dp.mat(), h));
    }
    be.softmax_backward(lane, std::as_const(dp).mat(), p.mat(), latents, scale, ds.mat());
    for (Index h = 0; h < heads; ++h) {
      be.matmul(lane, of_latents(std::as_const(ds).mat(), h), false, head(kv.mat(), h), false, T(1), head(dq.mat(), h));
      be.matmul(lane, of_latents(std::as_const(ds).mat(), h), true, head(q.mat(), h), false, T(1), head(dkv.mat(), h));
    }
    return {dq, dkv};
  }
};

}  // namespace nvembed::ops
