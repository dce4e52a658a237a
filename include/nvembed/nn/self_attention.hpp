#pragma once

#include <cmath>
#include <nvembed/batch/packed.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/nn/linear.hpp>
#include <nvembed/nn/rms_norm.hpp>
#include <nvembed/nn/rope_table.hpp>
#include <nvembed/ops/attention.hpp>
#include <nvembed/ops/gather_rows.hpp>
#include <nvembed/ops/head_rms_norm.hpp>
#include <nvembed/ops/rope.hpp>
#include <span>
#include <vector>

namespace nvembed::nn {

/// Grouped-query self-attention of the Llama family: q, k, v in one product (bias: Qwen2), RMSNorm a head (Qwen3),
/// RoPE, attention under mask M, output projection with the residual added.
template <class B, class M, class T>
struct SelfAttention {
  Linear<B, T> qkv_proj;         // q_proj, k_proj, v_proj stacked: ((heads + 2 kv_heads) head_dim, hidden)
  Linear<B, T> o_proj;           // (hidden, heads head_dim)
  RmsNorm<B, T> q_norm, k_norm;  // (head_dim); only with qk_norm
  AttentionShape shape;
  bool qk_norm = false;

  SelfAttention() = default;
  explicit SelfAttention(const DecoderConfig& c)
      : qkv_proj(c.hidden_size,
                 {{"q_proj", c.num_heads * c.head_dim},
                  {"k_proj", c.num_kv_heads * c.head_dim},
                  {"v_proj", c.num_kv_heads * c.head_dim}},
                 c.qkv_bias),
        o_proj(c.num_heads * c.head_dim, c.hidden_size, c.o_bias),
        q_norm(c.head_dim, c.rms_norm_eps),
        k_norm(c.head_dim, c.rms_norm_eps),
        shape{c.num_heads, c.num_kv_heads, c.head_dim, 1.0 / std::sqrt(static_cast<double>(c.head_dim))},
        qk_norm(c.qk_norm) {}

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("", s.qkv_proj);
    visit("o_proj", s.o_proj);
    if (s.qk_norm) {
      visit("q_norm", s.q_norm);
      visit("k_norm", s.k_norm);
    }
  }

  /// x (tokens, hidden) normed, residual (tokens, hidden) -> residual + attention, (tokens, hidden); with `rows` these
  /// alone, (rows, hidden)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x, const Packed& batch, const M& mask,
                  const RopeTable<B, T>& rope, const typename C::template Var<T>& residual,
                  std::span<const Index> rows = {}) const {
    const auto segments = batch.shared_segments();
    const auto qkv = qkv_proj(cx, x);
    const auto normed = qk_norm ? cx.apply(ops::HeadRmsNorm{shape.heads, shape.kv_heads, shape.head_dim, q_norm.eps},
                                           qkv, cx.leaf(q_norm.weight), cx.leaf(k_norm.weight))
                                : qkv;
    const auto qk = cx.apply(ops::Rope<B, T>{segments, rope.cos, rope.sin, shape.heads + shape.kv_heads}, normed);
    const auto attended = cx.apply(ops::Attention<M>{segments, mask, shape}, qk, qkv);
    if (rows.empty()) return o_proj(cx, attended, residual);
    const ops::GatherRows kept{{rows.begin(), rows.end()}};
    return o_proj(cx, cx.apply(kept, attended), cx.apply(kept, residual));
  }
};

}  // namespace nvembed::nn
