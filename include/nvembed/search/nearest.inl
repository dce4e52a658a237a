#pragma once

#include <nvembed/search/nearest.hpp>
#include <nvembed/search/running_top.hpp>
#include <nvembed/search/score_blocks.hpp>

namespace nvembed::search {

NVEMBED_INLINE std::vector<std::vector<Ranked>> nearest(HostMatrix queries, HostMatrix corpus, Index k,
                                                        std::span<const Index> tie, const DotProducts& dots,
                                                        Similarity by) {
  std::vector<std::vector<Ranked>> all(static_cast<std::size_t>(queries.rows));
  std::vector<RunningTop> best;
  score_blocks(queries, corpus, dots, by, [&](const ScoreBlock& b) {
    if (b.document == 0) best.assign(static_cast<std::size_t>(b.queries), RunningTop(k, score_error));
    for (Index i = 0; i < b.queries; ++i) {
      RunningTop& top = best[static_cast<std::size_t>(i)];
      const auto scores = b[i];
      for (Index j = 0; j < b.documents; ++j) top.add(scores[static_cast<std::size_t>(j)], b.document + j);
      if (b.document + b.documents < corpus.rows) continue;
      all[static_cast<std::size_t>(b.query + i)] =
          top.take([&](Index row) { return similarity(queries[b.query + i], corpus[row], by); },
                   [&](Index row) { return -tie[static_cast<std::size_t>(row)]; });
    }
  });
  return all;
}

}  // namespace nvembed::search
