#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/nn/lora.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/dense_linear.hpp>
#include <nvembed/ops/linear.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed::nn {

/// y = x W^T + b, W frozen in the back end's form, with a low-rank update where it is tuned by LoRA, or a plain tensor
/// where it is trained in full. May stand for several matrices of a checkpoint that read the same input (q, k, v),
/// stacked by rows and multiplied at once.
template <class B, class T>
struct Linear {
  FrozenWeight<B, T> weight;  // (out, in), or nothing
  Parameter<B, T> trained;    // (out, in) in its place, or nothing
  Parameter<B, T> bias;       // (1, out), or nothing
  std::optional<Lora<B, T>> lora;

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
    if (s.trained.declared.parts.empty())
      visit("", s.weight);
    else
      visit("", s.trained);
    if (!s.bias.declared.parts.empty()) visit("", s.bias);
    if (s.lora) visit("", *s.lora);
  }

  /// Declares the weight as one that is trained, for whoever fills it.
  void unfreeze() {
    if (trained.declared.parts.empty()) trained.declared = std::exchange(weight.declared, {});
    weight.value = {};
  }
  /// Shape and checkpoint keys of the weight, frozen or trained.
  const Parts& declared() const { return trained.declared.parts.empty() ? weight.declared : trained.declared; }
  /// As checkpoints hold it, without further ado.
  bool plain() const { return !lora && trained.declared.parts.empty(); }

  /// x (n, in), residual (n, out) or left out -> (n, out)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x, const typename C::template Var<T>& residual = {}) const {
    const auto added = lora ? (*lora)(cx, declared().rows(), x, residual) : residual;
    if (!trained.declared.parts.empty()) return cx.apply(ops::DenseLinear{}, x, cx.leaf(trained), cx.leaf(bias), added);
    return cx.apply(ops::Linear<B, T>{weight.value}, x, cx.leaf(bias), added);
  }
};

}  // namespace nvembed::nn
