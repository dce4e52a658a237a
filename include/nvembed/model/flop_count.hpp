#pragma once

#include <nvembed/core/segment.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/model/parameter_count.hpp>

namespace nvembed {

/// Floating-point operations that one text takes in a decoder: its products with weights, and both products of
/// attention for every key in a query's range; after the last layer's attention, for the rows `read` alone. An addition
/// and a multiplication are two. Norms, rotation, softmax and activations are left out: they are a few thousandths.
inline double flop_count(const DecoderConfig& c, const mask::Any& mask, const Segment& text, Range read) {
  const Index q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
  const Index weights = (2 * q + 2 * kv) * c.hidden_size + 3 * c.hidden_size * c.intermediate_size;
  Index keys = 0;
  mask.visit([&](const auto& m) {
    for (Index i = 0; i < text.size; ++i) keys += keys_within(m, {i, i + 1}, text).size();
  });
  const Index unread = (text.size - read.size()) * (q * c.hidden_size + 3 * c.hidden_size * c.intermediate_size);
  return static_cast<double>(c.num_layers) *
             (2.0 * static_cast<double>(weights * text.size) + 4.0 * static_cast<double>(q * keys)) -
         2.0 * static_cast<double>(unread);
}
/// The same with all states of the text.
inline double flop_count(const DecoderConfig& c, const mask::Any& mask, const Segment& text) {
  return flop_count(c, mask, text, {0, text.size});
}

/// The same of NV-Embed's head once folded: what is linear at its end runs once a text, and on pooled tokens alone.
inline double folded_flop_count(const LatentAttentionConfig& c, const Segment& text) {
  const Index square = c.mult * c.hidden_dim * c.hidden_dim;
  return 2.0 * static_cast<double>((folded_attention_count(c) + 2 * square) * (text.size - text.pool_begin) + square);
}

}  // namespace nvembed
