#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/rms_norm.hpp>

namespace nvembed::nn {

template <class B, class T>
struct RmsNorm {
  Parameter<B, T> weight;  // (1, dim)
  double eps = 1e-6;

  RmsNorm() = default;
  RmsNorm(Index dim, double epsilon) : eps(epsilon) { weight.declared = Parts(1, dim); }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("weight", s.weight);
  }
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x) const {
    return cx.apply(ops::RmsNorm{eps}, x, cx.leaf(weight));
  }
};

}  // namespace nvembed::nn
