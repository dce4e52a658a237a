#pragma once

#include <nvembed/nn/gated_linear.hpp>
#include <nvembed/nn/linear.hpp>

namespace nvembed::nn {

/// GEGLU of NV-Embed's head: net.2(x * gelu(g)), [x | g] = net.0(input), exact erf GELU, biases (released code of
/// NV-Embed-v2).
template <class B, class T>
struct FeedForward {
  GatedLinear<B, T> in;  // net.0 (2 mult dim, dim)
  Linear<B, T> out;      // net.2 (dim, mult dim)

  FeedForward() = default;
  FeedForward(Index dim, Index mult)
      : in{Linear<B, T>(dim, 2 * mult * dim, true), Gate::geglu}, out(mult * dim, dim, true) {}

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("net.0", s.in);
    visit("net.2", s.out);
  }
  /// x (n, dim) normed, residual (n, dim) -> residual + net(x)
  template <Context C>
  auto operator()(C& cx, const typename C::template Var<T>& x, const typename C::template Var<T>& residual) const {
    return out(cx, in(cx, x), residual);
  }
};

}  // namespace nvembed::nn
