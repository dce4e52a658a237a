#pragma once

#include <nvembed/batch/packed.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// Some rows of each text of a batch, and the batch that is left without the others: `ops::GatherRows{rows}` takes the
/// states of `batch` to those of `left`. Who needs fewer rows than all makes the layers before compute fewer.
struct RowSelection {
  std::vector<Index> rows;  ///< in the batch, ascending
  Packed left;              ///< one text a text, in the same order; all its tokens are pooled, none is a prefix
  bool all = false;         ///< nothing was left out: `rows` is every row of the batch

  /// `range(segment)` gives the rows of a text that stay, relative to its first; at least one.
  template <class F>
  RowSelection(const Packed& batch, F&& range) {
    std::vector<TokenizedText> texts;
    std::vector<Index> indices;
    for (const Segment& s : batch.segments()) {
      const Range kept = range(s);
      for (Index i = kept.begin; i < kept.end; ++i) rows.push_back(s.begin + i);
      const auto ids =
          batch.ids().subspan(static_cast<std::size_t>(s.begin + kept.begin), static_cast<std::size_t>(kept.size()));
      texts.push_back({{ids.begin(), ids.end()}});
      indices.push_back(s.index);
    }
    left = Packed(texts, indices);
    all = left.tokens() == batch.tokens();
  }
};

}  // namespace nvembed
