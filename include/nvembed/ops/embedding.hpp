#pragma once

#include <nvembed/core/backend.hpp>
#include <nvembed/ops/op.hpp>
#include <vector>

namespace nvembed::ops {

/// y_i = table[ids_i], table frozen: no gradient.
template <class B, class T>
struct Embedding {
  typename B::template Table<T> table;  // (vocab, dim), shared
  std::vector<TokenId> ids;

  using Saved = SavesNothing;

  /// -> (ids, dim). Throws InputError for an id outside the table.
  Tensor<B, T> forward(const B& be, typename B::Lane& lane, SavedArg<Saved>) const {
    require<InputError>(table.rows() > 0, "embedding", "the model has no weights yet; call load_weights");
    for (std::size_t i = 0; i < ids.size(); ++i)
      require<InputError>(ids[i] >= 0 && ids[i] < table.rows(), "embedding", "token ", i, " has id ", ids[i],
                          ", the vocabulary has ", table.rows());
    Tensor<B, T> y(lane, {static_cast<Index>(ids.size()), table.cols()});
    be.embedding(lane, std::span<const TokenId>(ids), table, y.mat());
    return y;
  }
};

}  // namespace nvembed::ops
