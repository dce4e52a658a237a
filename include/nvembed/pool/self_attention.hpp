#pragma once

#include <cmath>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/nn/feed_forward.hpp>
#include <nvembed/nn/layer_norm.hpp>
#include <nvembed/ops/attention.hpp>
#include <nvembed/ops/segment_mean.hpp>
#include <nvembed/pool/pooler.hpp>

namespace nvembed::pool {

/// The self-attention pooling that NV-Embed's ablation compares with (arXiv 2405.17428, table 2): the latent head's
/// block with keys and values from the text's own tokens, then the mean over pooled tokens. All tokens of a text, the
/// instruction's too, are attended to.
template <class B, class T = float>
struct SelfAttention {
  nn::LayerNorm<B, T> norm;
  nn::Linear<B, T> to_qkv;  // to_q, to_kv stacked: (3 inner, dim)
  nn::Linear<B, T> to_out;  // (dim, inner)
  nn::LayerNorm<B, T> ff_norm;
  nn::FeedForward<B, T> ff;
  AttentionShape shape;

  SelfAttention() = default;
  explicit SelfAttention(const SelfAttentionPoolConfig& c)
      : norm(c.hidden_dim),
        to_qkv(c.hidden_dim, {{"to_q", c.num_heads * c.head_dim}, {"to_kv", 2 * c.num_heads * c.head_dim}}),
        to_out(c.num_heads * c.head_dim, c.hidden_dim),
        ff_norm(c.hidden_dim),
        ff(c.hidden_dim, c.mult),
        shape{c.num_heads, c.num_heads, c.head_dim, 1.0 / std::sqrt(static_cast<double>(c.head_dim))} {
    c.validate("self_attention");
  }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("norm", s.norm);
    visit("", s.to_qkv);
    visit("to_out", s.to_out);
    visit("ff_norm", s.ff_norm);
    visit("ff", s.ff);
  }

  /// hidden (tokens, dim) -> token rows before pooling, (tokens, dim)
  template <Context C>
  auto tokens(C& cx, const typename C::template Var<T>& hidden, const Packed& batch) const {
    const auto qkv = to_qkv(cx, norm(cx, hidden));
    const auto a = cx.apply(ops::Attention<mask::Bidirectional>{batch.shared_segments(), {}, shape}, qkv, qkv);
    const auto h = to_out(cx, a, hidden);
    return ff(cx, ff_norm(cx, h), h);
  }
  /// hidden (tokens, dim) -> (texts, dim)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& hidden, const Packed& batch) const {
    return cx.apply(ops::SegmentMean{batch.shared_segments()}, tokens(cx, hidden, batch));
  }
};

}  // namespace nvembed::pool
