#pragma once

#include <nvembed/model/config.hpp>
#include <nvembed/nn/gated_linear.hpp>
#include <nvembed/nn/linear.hpp>

namespace nvembed::nn {

/// SwiGLU of the Llama family: down(silu(gate(x)) * up(x)), gate and up in one product.
template <class B, class T>
struct Mlp {
  GatedLinear<B, T> gate_up_proj;  // gate_proj, up_proj stacked: (2 intermediate, hidden)
  Linear<B, T> down_proj;          // (hidden, intermediate)

  Mlp() = default;
  explicit Mlp(const DecoderConfig& c)
      : gate_up_proj{Linear<B, T>(c.hidden_size, {{"gate_proj", c.intermediate_size}, {"up_proj", c.intermediate_size}},
                                  c.mlp_bias),
                     Gate::swiglu},
        down_proj(c.intermediate_size, c.hidden_size, c.mlp_bias) {}

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("", s.gate_up_proj);
    visit("down_proj", s.down_proj);
  }
  /// x (n, hidden) normed, residual (n, hidden) -> residual + mlp(x)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x, const typename C::template Var<T>& residual) const {
    return down_proj(cx, gate_up_proj(cx, x), residual);
  }
};

}  // namespace nvembed::nn
