#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/embedding.hpp>
#include <nvembed/ops/gather_rows.hpp>
#include <span>
#include <utility>
#include <vector>

namespace nvembed::nn {

/// Rows of a table, frozen in the back end's form or a plain tensor where it is trained.
template <class B, class T>
struct Embedding {
  FrozenTable<B, T> weight;  // (vocab, dim), or nothing
  Parameter<B, T> trained;   // (vocab, dim) in its place, or nothing

  Embedding() = default;
  Embedding(Index vocab, Index dim) { weight.declared = Parts(vocab, dim); }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    if (s.trained.declared.parts.empty())
      visit("weight", s.weight);
    else
      visit("weight", s.trained);
  }

  /// Declares the table as one that is trained, for whoever fills it.
  void unfreeze() {
    if (trained.declared.parts.empty()) trained.declared = std::exchange(weight.declared, {});
    weight.value = {};
  }

  /// -> (ids, dim)
  template <Context C>
  auto operator()(C& cx, std::span<const TokenId> ids) const {
    if (trained.value) return cx.apply(ops::GatherRows{{ids.begin(), ids.end()}}, cx.leaf(trained));
    return cx.apply(ops::Embedding<B, T>{weight.value, std::vector<TokenId>(ids.begin(), ids.end())});
  }
};

}  // namespace nvembed::nn
