#pragma once

#include <memory>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/batch/row_selection.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/ops/add.hpp>
#include <nvembed/ops/gather_rows.hpp>
#include <nvembed/ops/softmax.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <vector>

namespace nvembed::pool {

/// A LatentAttention for inference alone, exact in real arithmetic: the latents' keys and values are constants, so
/// K_h W_q,h and W_o,h V_h^T become two small matrices (NV-Embed: 537M parameters less, a third of the arithmetic); and
/// net.2 is linear, so it runs after the mean, once a text. Made by `fold`, never by a context.
template <class B, class T = float>
struct FoldedLatentAttention {
  nn::LayerNorm<B, T> norm;
  nn::Linear<B, T> to_scores;  // (heads latents, dim)
  nn::Linear<B, T> to_out;     // (dim, heads latents)
  nn::LayerNorm<B, T> ff_norm;
  nn::FeedForward<B, T> ff;
  Index num_latents = 0;
  double scale = 1;

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("norm", s.norm);
    visit("to_scores", s.to_scores);
    visit("to_out", s.to_out);
    visit("ff_norm", s.ff_norm);
    visit("ff", s.ff);
  }

  /// The rows of a text that are read, relative to its first.
  static Range reads(const Segment& s) { return {s.pool_begin, s.size}; }

  /// x (n, dim) -> how each token's attention is spread over the latents, (n, heads latents); a head's sum to 1
  template <Context C>
  auto attention_weights(C& cx, const typename C::template Var<T>& x) const {
    return cx.apply(ops::Softmax{num_latents, scale}, to_scores(cx, norm(cx, x)));
  }

  /// x (n, dim) -> x + cross attention, (n, dim)
  template <Context C>
  auto attend(C& cx, const typename C::template Var<T>& x) const {
    return to_out(cx, attention_weights(cx, x), x);
  }

  /// hidden (n, dim) -> token rows before pooling, (n, dim)
  template <Context C>
  auto tokens(C& cx, const typename C::template Var<T>& hidden) const {
    const auto h = attend(cx, hidden);
    return ff(cx, ff_norm(cx, h), h);
  }

  /// hidden (tokens, dim) -> (texts, dim). Rows that are not pooled are never computed.
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& hidden, const Packed& batch) const {
    const RowSelection pooled(batch, reads);
    const auto h = attend(cx, pooled.all ? hidden : cx.apply(ops::GatherRows{pooled.rows}, hidden));
    const ops::SegmentMean mean{pooled.left.shared_segments()};
    return ff.out(cx, cx.apply(mean, ff.in(cx, ff_norm(cx, h))), cx.apply(mean, h));
  }
};

/// Folds `head` for activations of type U; the two matrices are held in `precision`. Needs the forward products alone,
/// so it works from whatever form the weights are packed in: rows of the identity through to_q, and each head's values
/// through to_out, a few hundred rows at a time. Where U is not T, `ff` is declared, and whoever folds loads it.
template <class U, class B, class T>
FoldedLatentAttention<B, U> fold_as(const B& be, const LatentAttention<B, T>& head, Precision precision) {
  Eval<B> cx(be);
  auto& lane = cx.lane();
  const Index heads = head.config.num_heads, d = head.config.head_dim, dim = head.config.hidden_dim;
  const Index latents = head.config.num_latents, inner = heads * d;
  const Tensor<B, T> kv = head.context(cx);

  // scores^T (dim, heads latents): block h = W_q,h^T K_h^T
  auto scores = std::make_shared<std::vector<T>>(static_cast<std::size_t>(heads * latents * dim));
  constexpr Index step = 256;
  for (Index first = 0; first < dim; first += step) {
    const Index rows = std::min(step, dim - first);
    std::vector<T> identity(static_cast<std::size_t>(rows * dim), T(0));
    for (Index i = 0; i < rows; ++i) identity[static_cast<std::size_t>(i * dim + first + i)] = T(1);
    const Tensor<B, T> columns = head.to_q(cx, Tensor<B, T>::from_host(lane, {rows, dim}, identity));  // (rows, inner)
    Tensor<B, T> block(lane, {rows, heads * latents});
    for (Index h = 0; h < heads; ++h)
      be.matmul(lane, columns.mat().columns(h * d, d), false, kv.mat().columns(h * d, d), true, T(1),
                block.mat().columns(h * latents, latents));
    const std::vector<T> host = block.to_host(lane);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < heads * latents; ++j)
        (*scores)[static_cast<std::size_t>(j * dim + first + i)] =
            host[static_cast<std::size_t>(i * heads * latents + j)];
  }

  // out (dim, heads latents): column h, l = W_o,h V_h[l]
  auto out = std::make_shared<std::vector<T>>(static_cast<std::size_t>(dim * heads * latents));
  const std::vector<T> values = kv.to_host(lane);
  for (Index h = 0; h < heads; ++h) {
    std::vector<T> v(static_cast<std::size_t>(latents * inner), T(0));
    for (Index l = 0; l < latents; ++l)
      for (Index c = 0; c < d; ++c)
        v[static_cast<std::size_t>(l * inner + h * d + c)] =
            values[static_cast<std::size_t>(l * 2 * inner + inner + h * d + c)];
    const auto host = head.to_out(cx, Tensor<B, T>::from_host(lane, {latents, inner}, v)).to_host(lane);
    for (Index l = 0; l < latents; ++l)
      for (Index c = 0; c < dim; ++c)
        (*out)[static_cast<std::size_t>(c * heads * latents + h * latents + l)] =
            host[static_cast<std::size_t>(l * dim + c)];
  }

  const auto packed = [&](const std::shared_ptr<std::vector<T>>& m, Index rows, Index cols, const char* name) {
    nn::Linear<B, U> linear(cols, rows);
    const RawWeight raw{
        std::as_bytes(std::span<const T>(*m)), sizeof(T) == 8 ? DType::f64 : DType::f32, rows, cols, {}, m, name};
    linear.weight.value = be.template pack<U>(std::span<const RawWeight>(&raw, 1), precision, Use::forward);
    return linear;
  };
  FoldedLatentAttention<B, U> folded;
  folded.to_scores = packed(scores, heads * latents, dim, "folded to_q");
  folded.to_out = packed(out, dim, heads * latents, "folded to_out");
  folded.num_latents = latents;
  folded.scale = head.scale();
  if constexpr (std::is_same_v<T, U>) {
    folded.norm = head.norm;
    folded.ff_norm = head.ff_norm;
    folded.ff = head.ff;
  } else {
    const auto converted = [&](const nn::LayerNorm<B, T>& norm) {
      nn::LayerNorm<B, U> made(dim, norm.eps);
      const auto convert = [&](const Parameter<B, T>& from, Parameter<B, U>& to) {
        std::vector<U> values;
        for (const T x : from.value.to_host(lane)) values.push_back(static_cast<U>(x));
        to.value = Tensor<B, U>::from_host(lane, from.value.shape(), values);
      };
      convert(norm.weight, made.weight);
      convert(norm.bias, made.bias);
      return made;
    };
    folded.norm = converted(head.norm);
    folded.ff_norm = converted(head.ff_norm);
    folded.ff = nn::FeedForward<B, U>(dim, head.config.mult);
  }
  return folded;
}

/// The same for the head's own scalar, in f32 (or T, if that is wider).
template <class B, class T>
FoldedLatentAttention<B, T> fold(const B& be, const LatentAttention<B, T>& head) {
  return fold_as<T>(be, head, Precision::f32);
}

}  // namespace nvembed::pool
