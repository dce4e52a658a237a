#pragma once

#include <cmath>
#include <nvembed/model/config.hpp>
#include <nvembed/nn/feed_forward.hpp>
#include <nvembed/nn/layer_norm.hpp>
#include <nvembed/ops/latent_cross_attention.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/pool/pooler.hpp>

namespace nvembed::pool {

/// NV-Embed's head as released (not the paper's equation 1): every token attends to trained latents, then GEGLU, both
/// with residuals; then the mean over pooled tokens. Every row stands alone: there is no mask.
///   h = to_out(attend(to_q(norm(x)), to_kv(norm_context(latents)))) + x;  y = ff(ff_norm(h)) + h;  mean y
template <class B, class T = float>
struct LatentAttention {
  LatentAttentionConfig config;
  Parameter<B, T> latents;                 // (num_latents, dim)
  nn::LayerNorm<B, T> norm, norm_context;  // of tokens, of latents
  nn::Linear<B, T> to_q, to_kv, to_out;    // (inner, dim), (2 inner, dim), (dim, inner); inner = heads head_dim
  nn::LayerNorm<B, T> ff_norm;
  nn::FeedForward<B, T> ff;

  static constexpr const char* ff_key = "cross_attend_blocks.1.fn";

  LatentAttention() = default;
  explicit LatentAttention(const LatentAttentionConfig& c)
      : config(c),
        norm(c.hidden_dim),
        norm_context(c.latent_dim),
        to_q(c.hidden_dim, c.num_heads * c.head_dim),
        to_kv(c.latent_dim, 2 * c.num_heads * c.head_dim),
        to_out(c.num_heads * c.head_dim, c.hidden_dim),
        ff_norm(c.hidden_dim),
        ff(c.hidden_dim, c.mult) {
    c.validate("latent_attention");
    latents.declared = Parts(c.num_latents, c.latent_dim);
  }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("latents", s.latents);
    visit("cross_attend_blocks.0.norm", s.norm);
    visit("cross_attend_blocks.0.norm_context", s.norm_context);
    visit("cross_attend_blocks.0.fn.to_q", s.to_q);
    visit("cross_attend_blocks.0.fn.to_kv", s.to_kv);
    visit("cross_attend_blocks.0.fn.to_out", s.to_out);
    visit("cross_attend_blocks.1.norm", s.ff_norm);
    visit(ff_key, s.ff);
  }

  double scale() const { return 1.0 / std::sqrt(static_cast<double>(config.head_dim)); }

  /// The rows of a text that are read, relative to its first.
  static Range reads(const Segment& s) { return {s.pool_begin, s.size}; }

  /// Keys and values of the latents, (num_latents, 2 inner): the same for every text.
  template <Context C>
  auto context(C& cx) const {
    return to_kv(cx, norm_context(cx, cx.leaf(latents)));
  }

  /// x (n, dim) -> the cross attention's output before its residual is added, (n, dim)
  template <Context C>
  auto cross_attention(C& cx, const typename C::template Var<T>& x,
                       const typename C::template Var<T>& residual = {}) const {
    const auto q = to_q(cx, norm(cx, x));
    return to_out(cx, cx.apply(ops::LatentCrossAttention{config.num_heads, config.head_dim, scale()}, q, context(cx)),
                  residual);
  }

  /// hidden (n, dim) -> token rows before pooling, (n, dim)
  template <Context C>
  auto tokens(C& cx, const typename C::template Var<T>& hidden) const {
    const auto h = cross_attention(cx, hidden, hidden);
    return ff(cx, ff_norm(cx, h), h);
  }

  /// hidden (tokens, dim) -> (texts, dim)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& hidden, const Packed& batch) const {
    return cx.apply(ops::SegmentMean{batch.shared_segments()}, tokens(cx, hidden));
  }
};

}  // namespace nvembed::pool
