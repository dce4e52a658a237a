#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/linear.hpp>
#include <string_view>
#include <vector>

namespace nvembed::nn {

/// y = x W^T + b, W frozen in the back end's form. May stand for several matrices of a checkpoint that read the same
/// input (q, k, v), stacked by rows and multiplied at once.
template <class B, class T>
struct Linear {
  FrozenWeight<B, T> weight;  // (out, in)
  Parameter<B, T> bias;       // (1, out), or nothing

  Linear() = default;
  Linear(Index in, Index out, bool with_bias = false) : Linear(in, std::vector<Part>{{"", out}}, with_bias) {}
  /// Parts are named as in the checkpoint: `q_proj`, `k_proj`, `v_proj`.
  Linear(Index in, const std::vector<Part>& parts, bool with_bias = false) {
    for (const Part& p : parts) {
      weight.declared.parts.push_back({join_key(p.key, "weight"), p.rows});
      if (with_bias) bias.declared.parts.push_back({join_key(p.key, "bias"), p.rows});
    }
    weight.declared.cols = in;
    bias.declared.cols = 1;
  }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("", s.weight);
    if (!s.bias.declared.parts.empty()) visit("", s.bias);
  }

  /// x (n, in), residual (n, out) or left out -> (n, out)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x, const typename C::template Var<T>& residual = {}) const {
    return cx.apply(ops::Linear<B, T>{weight.value}, x, cx.leaf(bias), residual);
  }
};

}  // namespace nvembed::nn
