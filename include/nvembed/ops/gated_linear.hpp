#pragma once

#include <nvembed/core/kernel_args.hpp>
#include <nvembed/ops/gated.hpp>
#include <nvembed/ops/linear.hpp>

namespace nvembed::ops {

/// y = gate(x W^T + bias): the product of a gated MLP and its activation, joined while the tile is in cache
/// (arXiv 2002.05202). W (2m, in) holds both halves. Where a backward will follow, the two steps run apart and the
/// product is kept.
template <class B, class T>
struct GatedLinear {
  typename B::template Packed<T> weight;  // (2m, in), shared
  Gate gate = Gate::swiglu;

  struct Saved {
    typename Gated::Saved<B, T> gated;
  };

  /// x (n, in), bias (1, 2m) or left out -> (n, m)
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved> saved, const Tensor<B, T>& x,
                       const Tensor<B, T>& bias = {}) const {
    if (saved) {
      const auto product = Linear<B, T>{weight}.forward(be, lane, nullptr, x, bias);
      return Gated{gate}.forward(be, lane, &saved->gated, product);
    }
    require<ShapeError>(x && x.shape().rank() == 2 && x.cols() == weight.cols() && weight.rows() % 2 == 0,
                        "gated_linear", "x ", x.shape().str(), " does not fit weight (", weight.rows(), ", ",
                        weight.cols(), ")");
    if (bias) detail::check_vector("gated_linear", "bias", bias, weight.rows());
    Tensor<B, T> y(lane, {x.rows(), weight.rows() / 2});
    be.gated_linear(lane, x.mat(), weight, bias.flat(), gate, y.mat());
    return y;
  }

  std::array<Tensor<B, T>, 2> backward(const B& be, typename B::Lane& lane, const Saved& saved, const Tensor<B, T>& dy,
                                       Need need) const {
    const auto [product] = Gated{gate}.backward(be, lane, saved.gated, dy, need);
    const auto [dx, dbias, none] = Linear<B, T>{weight}.backward(be, lane, {}, product, need);
    return {dx, dbias};
  }

  /// The result again, from what is saved.
  Tensor<B, T> remake(const B& be, typename B::Lane& lane, const Saved& saved) const {
    return Gated{gate}.remake(be, lane, saved.gated);
  }
};

}  // namespace nvembed::ops
