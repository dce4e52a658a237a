#pragma once

#include <algorithm>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/optim/adam_options.hpp>
#include <nvembed/train/recipe.hpp>
#include <optional>

namespace nvembed::train {

/// Bytes that training takes at its peak, by what they are for; from sizes alone, nothing is allocated. What an
/// evaluation in its midst takes is not in it.
struct MemoryPlan {
  Index frozen = 0;       ///< weights that are not trained, in their precision
  Index trained = 0;      ///< values, gradients and optimizer state of those that are
  Index activations = 0;  ///< of one chunk, forward and backward
  Index trained_numbers = 0;
  Index total() const { return frozen + trained + activations; }
};

/// Numbers that the tape of one decoder layer keeps of a token: inputs of both norms and what they give, q, k, v before
/// and after their rotation, what attention gives, the product of gate and up, and what is left of it.
inline Index kept_by_layer(const DecoderConfig& c) {
  const Index q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
  return 4 * c.hidden_size + (q + 2 * kv) + (q + kv) + q + 3 * c.intermediate_size;
}
/// Likewise of a latent-attention head.
inline Index kept_by_head(const LatentAttentionConfig& c) {
  return 4 * c.hidden_dim + 2 * c.num_heads * c.head_dim + 3 * c.mult * c.hidden_dim;
}

/// A decoder of which `unfrozen` numbers are trained in place, `trained` in all, with LoRA's and the head's.
inline MemoryPlan plan_memory(const ModelFiles& files, const Recipe& recipe, Precision precision, Index trained,
                              Index unfrozen) {
  const Index frozen = parameter_count(files.decoder) - unfrozen;
  MemoryPlan plan;
  plan.trained_numbers = trained;
  const bool as_stored = precision == Precision::q4 && files.stored_precision() == Precision::q4;
  plan.frozen = as_stored                      ? files.weights.total_bytes()
                : precision == Precision::f32  ? 4 * frozen
                : precision == Precision::int8 ? frozen / 32 * 36
                : precision == Precision::q4   ? frozen / 32 * 18
                                               : 2 * frozen;
  plan.trained = trained * (recipe.moments == optim::Moments::bf16 ? 12 : 16);

  const DecoderConfig& c = files.decoder;
  const Index layer = kept_by_layer(c);
  // What a layer's backward holds beside it: gradients of about as many numbers as the widest of its parts.
  const Index at_work =
      3 * c.intermediate_size + 2 * c.hidden_size + 2 * (c.num_heads + 2 * c.num_kv_heads) * c.head_dim;
  Index numbers = at_work + (recipe.recompute ? c.num_layers * c.hidden_size + layer : c.num_layers * layer);
  if (files.latent && files.pool == "latent_attention") numbers += kept_by_head(*files.latent);
  plan.activations = 4 * recipe.chunk_tokens * numbers;
  return plan;
}

}  // namespace nvembed::train
