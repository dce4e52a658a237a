#pragma once

#include <nvembed/batch/row_selection.hpp>
#include <nvembed/ops/cast.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <nvembed/pool/pooler.hpp>

namespace nvembed {

/// A model made of parts: body (batch -> token states), pooler (token states -> one vector a text), unit length.
///   using Model = Embedder<Decoder<B, mask::Bidirectional>, pool::LatentAttention<B>>;
/// The same type runs under Eval for inference and under a tape for fine-tuning.
template <Module Body, Module Pool>
struct Embedder {
  using backend = typename Body::backend;
  using scalar = typename Body::scalar;

  Body body;
  Pool pool;
  bool normalize = true;

  template <class Self, class V>
  static void reflect(Self& s, V&& visit) {
    visit("body", s.body);
    visit("pool", s.pool);
  }

  Index dim() const { return body.dim(); }

  /// batch -> (texts, dim), rows in the order of the batch, in accumulate_t of the body's scalar
  template <Context C>
  auto operator()(C& cx, const Packed& batch) const {
    const auto pooled = vectors(cx, batch);
    return normalize ? cx.apply(ops::L2Normalize{}, pooled) : pooled;
  }
  /// The same before they are brought to unit length.
  template <Context C>
  auto vectors(C& cx, const Packed& batch) const {
    if constexpr (requires(const Segment& s, std::span<const Index> rows) {
                    pool.reads(s);
                    body(cx, batch, rows);
                  }) {
      const RowSelection read(batch, [&](const Segment& s) { return pool.reads(s); });
      // What dropout draws from knows the rows of the whole batch.
      if (!read.all && !cx.randomness()) return cx.apply(ops::Cast{}, pool(cx, body(cx, batch, read.rows), read.left));
    }
    return cx.apply(ops::Cast{}, pool(cx, body(cx, batch), batch));
  }
};

}  // namespace nvembed
