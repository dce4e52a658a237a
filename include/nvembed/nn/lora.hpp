#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/lora.hpp>
#include <string>
#include <vector>

namespace nvembed::nn {

/// What a Linear adds to its frozen weight while it is tuned (LoRA, arXiv 2106.09685): for each adapted part of the
/// stack two small matrices, named as PEFT names them (`q_proj.lora_A.weight`). Parts share a rank; a smaller one is
/// filled up with zeros, which stay zeros in training as neither half gets a gradient through the other.
template <class B, class T>
struct Lora {
  Parameter<B, T> lora_A;  // (parts rank, in)
  Parameter<B, T> lora_B;  // (sum of the parts' rows, rank)
  std::vector<ops::LoraPart> parts;
  double dropout = 0;
  std::uint64_t stream = 0;  // tells its draws from those of other layers

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("", s.lora_A);
    visit("", s.lora_B);
  }

  /// x (n, in), residual (n, out) or left out -> residual + update, (n, out)
  template <Context C>
  auto operator()(C& cx, Index out, const typename C::template Var<T>& x,
                  const typename C::template Var<T>& residual) const {
    return cx.apply(ops::Lora{out, parts, cx.randomness().dropout(stream, dropout)}, x, cx.leaf(lora_A),
                    cx.leaf(lora_B), residual);
  }
};

}  // namespace nvembed::nn
