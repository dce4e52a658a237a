#pragma once

#include <concepts>
#include <nvembed/batch/packed.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/mask/mask.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/model/rope_angles.hpp>
#include <nvembed/nn/decoder_layer.hpp>
#include <nvembed/nn/embedding.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// A decoder of the Llama family (Llama, Mistral, Qwen2, Qwen3) without its language-model head, under mask M.
template <class B, class M, class T = float>
requires Mask<M> || std::same_as<M, mask::Any>
struct Decoder {
  using backend = B;
  using scalar = T;

  DecoderConfig config;
  M mask{};
  nn::Embedding<B, T> embed_tokens;
  std::vector<nn::DecoderLayer<B, M, T>> layers;
  nn::RmsNorm<B, T> norm;

  Decoder() = default;
  /// Declares all members; `load` fills them. Throws where the config makes no sense.
  explicit Decoder(const DecoderConfig& c, M m = {})
      : config(c), mask(m), embed_tokens(c.vocab_size, c.hidden_size), norm(c.hidden_size, c.rms_norm_eps) {
    c.validate("decoder");
    layers.reserve(static_cast<std::size_t>(c.num_layers));
    for (Index i = 0; i < c.num_layers; ++i) layers.emplace_back(c);
  }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("embed_tokens", s.embed_tokens);
    for (std::size_t i = 0; i < s.layers.size(); ++i) visit(cat("layers.", i), s.layers[i]);
    visit("norm", s.norm);
  }

  Index dim() const { return config.hidden_size; }

  /// batch -> hidden states after the final norm, (tokens, hidden); or of `rows` alone, (rows, hidden), to the same
  /// bits: what the last layer does after its attention is done for them only.
  template <Context C>
  auto operator()(C& cx, const Packed& batch, std::span<const Index> rows = {}) const {
    const nn::RopeTable<B, T> rope = rope_table(cx.lane(), batch.longest());
    auto x = embed_tokens(cx, batch.ids());
    for (const auto& layer : layers) {
      std::vector<Index> kept;
      if (&layer == &layers.back()) kept.assign(rows.begin(), rows.end());
      const auto run = [&layer, batch, m = mask, rope, kept = std::move(kept)](auto& inner, const auto& in) {
        return layer(inner, in, batch, m, rope, kept);
      };
      x = cx.block(run, x);
    }
    return norm(cx, x);
  }

  /// Angles position * frequency in double, their cosines and sines rounded to accumulate_t<T>.
  nn::RopeTable<B, T> rope_table(typename B::Lane& lane, Index positions) const {
    const std::vector<double> frequency = rope_frequencies(config);
    using Angle = accumulate_t<T>;
    const Shape shape{positions, static_cast<Index>(frequency.size())};
    std::vector<Angle> cos(static_cast<std::size_t>(shape.size())), sin(cos.size());
    rope_angles<Angle>(frequency, positions, cos, sin);
    return {Tensor<B, Angle>::from_host(lane, shape, cos), Tensor<B, Angle>::from_host(lane, shape, sin)};
  }
};

}  // namespace nvembed
