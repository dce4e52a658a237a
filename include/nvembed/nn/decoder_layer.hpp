#pragma once

#include <nvembed/nn/mlp.hpp>
#include <nvembed/nn/self_attention.hpp>

namespace nvembed::nn {

/// x += attention(norm(x)); x += mlp(norm(x))   (pre-norm block, arXiv 2302.13971)
template <class B, class M, class T>
struct DecoderLayer {
  RmsNorm<B, T> input_layernorm;
  SelfAttention<B, M, T> self_attn;
  RmsNorm<B, T> post_attention_layernorm;
  Mlp<B, T> mlp;

  DecoderLayer() = default;
  explicit DecoderLayer(const DecoderConfig& c)
      : input_layernorm(c.hidden_size, c.rms_norm_eps),
        self_attn(c),
        post_attention_layernorm(c.hidden_size, c.rms_norm_eps),
        mlp(c) {}

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("input_layernorm", s.input_layernorm);
    visit("self_attn", s.self_attn);
    visit("post_attention_layernorm", s.post_attention_layernorm);
    visit("mlp", s.mlp);
  }
  /// x (tokens, hidden) -> (tokens, hidden); with `rows` these alone, (rows, hidden)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x, const Packed& batch, const M& mask,
                  const RopeTable<B, T>& rope, std::span<const Index> rows = {}) const {
    const auto h = self_attn(cx, input_layernorm(cx, x), batch, mask, rope, x, rows);
    return mlp(cx, post_attention_layernorm(cx, h), h);
  }
};

}  // namespace nvembed::nn
