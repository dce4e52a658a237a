#pragma once

#include <nvembed/core/accumulate.hpp>
#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// Activations as their accumulation type: 16-bit vectors become float, all others stay what they are.
struct Cast {
  template <class B, class T>
  using Saved = SavesNothing;

  /// x (n, d) -> (n, d)
  template <class B, class T>
  Tensor<B, accumulate_t<T>> forward(const B& be, typename B::Lane& lane, SavedArg<SavesNothing>,
                                     const Tensor<B, T>& x) const {
    if constexpr (std::is_same_v<T, accumulate_t<T>>) {
      return x;
    } else {
      Tensor<B, accumulate_t<T>> y(lane, x.shape());
      be.cast(lane, x.mat(), y.mat());
      return y;
    }
  }

  /// For activations that are their own accumulation type.
  template <class B, class T>
  requires std::is_same_v<T, accumulate_t<T>> std::array < Tensor<B, T>,
  1 > backward(const B&, typename B::Lane&, const SavesNothing&, const Tensor<B, T>& dy, Need) const { return {dy}; }
};

}  // namespace nvembed::ops
