#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/nn/module.hpp>
#include <nvembed/ops/embedding.hpp>
#include <span>
#include <vector>

namespace nvembed::nn {

template <class B, class T>
struct Embedding {
  FrozenTable<B, T> weight;  // (vocab, dim)

  Embedding() = default;
  Embedding(Index vocab, Index dim) { weight.declared = Parts(vocab, dim); }

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("weight", s.weight);
  }
  /// -> (ids, dim)
  template <Context C>
  auto operator()(C& cx, std::span<const TokenId> ids) const {
    return cx.apply(ops::Embedding<B, T>{weight.value, std::vector<TokenId>(ids.begin(), ids.end())});
  }
};

}  // namespace nvembed::nn
