#pragma once

#include <nvembed/ops/op.hpp>

namespace nvembed::ops {

/// y = a + b.
struct Add {
  template <class B, class T>
  using Saved = SavesNothing;

  /// a, b (n, d) -> (n, d)
  template <class B, class T>
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<SavesNothing>, const Tensor<B, T>& a,
                       const Tensor<B, T>& b) const {
    require<ShapeError>(a && a.shape() == b.shape(), "add", a.shape().str(), " and ", b.shape().str(), " differ");
    Tensor<B, T> y(lane, a.shape());
    be.add(lane, a.mat(), b.mat(), y.mat());
    return y;
  }

  template <class B, class T>
  std::array<Tensor<B, T>, 2> backward(const B&, typename B::Lane&, const SavesNothing&, const Tensor<B, T>& dy,
                                       Need) const {
    return {dy, dy};
  }
};

}  // namespace nvembed::ops
