#pragma once

#include <nvembed/model/config.hpp>

namespace nvembed {

/// Number of parameters of a decoder without its language-model head, from its sizes alone.
inline Index parameter_count(const DecoderConfig& c) {
  const Index q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
  Index layer = 2 * c.hidden_size + (2 * q + 2 * kv) * c.hidden_size + 3 * c.hidden_size * c.intermediate_size;
  if (c.qkv_bias) layer += q + 2 * kv;
  if (c.o_bias) layer += c.hidden_size;
  if (c.mlp_bias) layer += 2 * c.intermediate_size + c.hidden_size;
  if (c.qk_norm) layer += 2 * c.head_dim;
  return c.vocab_size * c.hidden_size + c.num_layers * layer + c.hidden_size;
}

/// The same of NV-Embed's head as it is stored.
inline Index parameter_count(const LatentAttentionConfig& c) {
  const Index inner = c.num_heads * c.head_dim, d = c.hidden_dim;
  return c.num_latents * d + 6 * d + 4 * inner * d + 3 * c.mult * d * d + 2 * c.mult * d + d;
}

/// Of the two matrices that `pool::fold` makes of the attention with the latents.
inline Index folded_attention_count(const LatentAttentionConfig& c) {
  return 2 * c.num_heads * c.num_latents * c.hidden_dim;
}

/// Bytes of activations that one forward pass of `tokens` tokens takes at most, about.
inline Index activation_bytes(const DecoderConfig& c, Index tokens) {
  const Index attention = (c.num_heads + 2 * c.num_kv_heads) * c.head_dim * 3;
  return 4 * tokens * (5 * c.hidden_size + attention + c.intermediate_size);
}

/// The head once folded for inference.
inline Index folded_parameter_count(const LatentAttentionConfig& c) {
  const Index d = c.hidden_dim;
  return 4 * d + folded_attention_count(c) + 3 * c.mult * d * d + 2 * c.mult * d + d;
}

}  // namespace nvembed
