#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/weighted_sum.hpp>
#include <nvembed/ops/l2_normalize_columns.hpp>
#include <vector>

namespace nvembed::loss {

/// Matryoshka representation learning (arXiv 2205.13147): sum_k w_k loss(first dims_k components of both sides, brought
/// to unit length again), so that vectors may be cut at any of these. The full width, where it is among `dims`, is
/// taken as it is.
template <class L>
struct Matryoshka {
  using Targets = typename L::Targets;

  L loss;
  std::vector<Index> dims{};      ///< each in [1, d], none twice
  std::vector<double> weights{};  ///< one a dim, or empty: 1 each

  /// a (n, d), b (m, d) -> (1, 1)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& a, const Var& b, const Targets& targets) const {
    const Index width = C::value(a).cols();
    require<ShapeError>(width == C::value(b).cols(), "matryoshka", C::value(a).shape().str(), " does not fit ",
                        C::value(b).shape().str());
    require<InputError>(!dims.empty() && (weights.empty() || weights.size() == dims.size()), "matryoshka",
                        weights.size(), " weights for ", dims.size(), " dims");
    std::vector<Var> losses;
    for (std::size_t k = 0; k < dims.size(); ++k) {
      require<InputError>(dims[k] > 0 && dims[k] <= width, "matryoshka", "dim ", dims[k], " of vectors of ", width);
      for (std::size_t other = 0; other < k; ++other)
        require<InputError>(dims[other] != dims[k], "matryoshka", "dim ", dims[k], " is there twice");
      const auto cut = [&](const Var& x) {
        return dims[k] == width ? x : cx.apply(ops::L2NormalizeColumns{dims[k]}, x);
      };
      losses.push_back(loss(cx, cut(a), cut(b), targets));
    }
    return weighted_sum(cx, losses, weights.empty() ? std::vector<double>(dims.size(), 1.0) : weights);
  }
};

}  // namespace nvembed::loss
