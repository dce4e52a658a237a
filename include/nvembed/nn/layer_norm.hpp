#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/layer_norm.hpp>

namespace nvembed::nn {

template <class B, class T>
struct LayerNorm {
  Parameter<B, T> weight, bias;  // (1, dim)
  double eps = 1e-5;

  LayerNorm() = default;
  explicit LayerNorm(Index dim, double epsilon = 1e-5) : eps(epsilon) {
    weight.declared = bias.declared = Parts(1, dim);
  }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("weight", s.weight);
    visit("bias", s.bias);
  }
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x) const {
    return cx.apply(ops::LayerNorm{eps}, x, cx.leaf(weight), cx.leaf(bias));
  }
};

}  // namespace nvembed::nn
