#pragma once

#include <cmath>
#include <cstdint>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/nn/attach_lora.hpp>
#include <nvembed/pool/latent_attention.hpp>
#include <nvembed/pool/latent_start.hpp>
#include <string>
#include <type_traits>
#include <vector>

namespace nvembed::pool {

/// Gives a new head its values, all of its weights plain tensors that may be trained. A function of seed and names.
template <class B, class T>
void start_latent_attention(const B& be, LatentAttention<B, T>& head, LatentStart start, std::uint64_t seed) {
  auto lane = be.make_lane();
  const auto fill = [&](Parameter<B, T>& p, const std::string& key, auto&& value) {
    const CounterRng rng = CounterRng(seed).at(fnv1a(key));
    const Parts& d = p.declared;
    std::vector<T> values;
    values.reserve(static_cast<std::size_t>(d.rows() * d.cols));
    for (Index i = 0; i < d.rows() * d.cols; ++i)
      values.push_back(static_cast<T>(value(rng.at(static_cast<std::uint64_t>(i)))));
    p.value = Tensor<B, T>::from_host(lane, d.cols == 1 ? Shape{1, d.rows()} : Shape{d.rows(), d.cols}, values);
  };
  const auto constant = [](double x) { return [x](CounterRng) { return x; }; };

  fill(head.latents, "latents", [](CounterRng r) {  // Box and Muller
    const double u = 1 - r.at(0).uniform(), v = r.at(1).uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  });
  for (nn::LayerNorm<B, T>* norm : {&head.norm, &head.norm_context, &head.ff_norm}) {
    fill(norm->weight, "", constant(1));
    fill(norm->bias, "", constant(0));
  }
  nn::for_each_linear(head, [&](const std::string& key, nn::Linear<B, T>& linear) {
    linear.unfreeze();
    const bool zero = start == LatentStart::mean && (&linear == &head.to_out || &linear == &head.ff.out);
    const double bound = zero ? 0 : 1 / std::sqrt(static_cast<double>(linear.trained.declared.cols));
    const auto uniform = [bound](CounterRng r) { return bound * (2 * r.uniform() - 1); };
    fill(linear.trained, join_key(key, "weight"), uniform);
    if (!linear.bias.declared.parts.empty()) fill(linear.bias, join_key(key, "bias"), uniform);
  });
}

}  // namespace nvembed::pool
