#pragma once

#include <nvembed/nn/linear.hpp>
#include <nvembed/ops/gated.hpp>
#include <nvembed/ops/gated_linear.hpp>
#include <vector>

namespace nvembed::nn {

/// gate(x W^T + b): a Linear whose two halves gate each other.
template <class B, class T>
struct GatedLinear {
  Linear<B, T> linear;  // (2m, in)
  Gate gate = Gate::swiglu;

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("", s.linear);
  }

  /// x (n, in) -> (n, m)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x) const {
    if (!linear.plain()) return cx.apply(ops::Gated{gate}, linear(cx, x));
    return cx.apply(ops::GatedLinear<B, T>{linear.weight.value, gate}, x, cx.leaf(linear.bias));
  }
};

}  // namespace nvembed::nn
