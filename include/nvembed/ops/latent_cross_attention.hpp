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
};

}  // namespace nvembed::ops
