#pragma once

#include <nvembed/ops/gather_rows.hpp>
#include <nvembed/pool/pooler.hpp>

namespace nvembed::pool {

/// The state of a text's last token: what a causal decoder has seen the whole text in.
struct LastToken {
  template <class Self, class V>
  static void reflect(Self&, V&&) {}

  /// The rows of a text that are read, relative to its first.
  static Range reads(const Segment& s) { return {s.size - 1, s.size}; }

  /// hidden (tokens, dim) -> (texts, dim)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& hidden, const Packed& batch) const {
    ops::GatherRows gather;
    for (const Segment& s : batch.segments()) gather.rows.push_back(s.begin + s.size - 1);
    return cx.apply(gather, hidden);
  }
};

}  // namespace nvembed::pool
