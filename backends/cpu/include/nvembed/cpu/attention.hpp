#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>
#include <vector>

namespace nvembed::cpu {
namespace detail {

constexpr Index attention_block = 64;  // queries of a task
constexpr Index attention_tile = 128;  // keys that are read at once

/// A task: queries [begin, begin + size) of one text under all query heads that share one key head. Head after head
/// they are set side by side, `panel` of them in a panel.
struct QueryBlock {
  Segment segment;
  Index begin = 0, size = 0, kv = 0, group = 0;

  Index count() const { return size * group; }
  Index query(Index lane) const { return begin + lane % size; }
  Index head(Index lane) const { return kv * group + lane / size; }
};

/// What a task keeps in its thread's memory.
struct AttentionScratch {
  Index panel, d, padded;                // `padded`: d as a multiple of 8
  float *queries, *out, *highest, *sum;  // a panel: (d, panel), (padded, panel), (panel), (panel)
  float *keys, *values, *scores;         // (tile, d), (tile, padded), (tile, panel)

  AttentionScratch(Worker& worker, Index panels, Index panel_size, Index head_dim)
      : panel(panel_size), d(head_dim), padded((head_dim + 7) / 8 * 8) {
    const Index a_panel = panel * (d + padded + 2);
    keys = worker.scratch_as<float>(attention_tile * (d + padded + panel) + panels * a_panel);
    values = keys + attention_tile * d;
    scores = values + attention_tile * padded;
    queries = scores + attention_tile * panel;
    out = queries + panels * panel * d;
    highest = out + panels * panel * padded;
    sum = highest + panels * panel;
    std::fill_n(queries, panels * panel * d, 0.0f);
    std::fill_n(out, panels * panel * padded, 0.0f);
    std::fill_n(highest, panels * panel, std::numeric_limits<float>::lowest());
    std::fill_n(sum, panels * panel, 0.0f);
  }

  /// Keys and values of `count` rows, filled up with zeros to a multiple of 8 rows and columns.
  void load(MatView<const float> k, MatView<const float> v, Index row, Index count, Index column) const {
    const Index rows = (count + 7) / 8 * 8;
    for (Index j = 0; j < count; ++j) {
      std::copy_n(k.row(row + j) + column, d, keys + j * d);
      std::fill_n(std::copy_n(v.row(row + j) + column, d, values + j * padded), padded - d, 0.0f);
    }
    std::fill_n(keys + count * d, (rows - count) * d, 0.0f);
    std::fill_n(values + count * padded, (rows - count) * padded, 0.0f);
  }
};

}  // namespace detail

/// Attention of packed texts in f32, tile after tile of keys with an online softmax (arXiv 2112.05682). Tiles and
/// blocks of queries are counted from the text's beginning, so a text's bits do not depend on its place. Keys outside
/// mask.keys() are not read. Memory of a thread does not depend on the length.
template <Mask M>
void attention(const Kernels& kernel, HostLane& lane, MatView<const float> q, MatView<const float> k,
               MatView<const float> v, std::span<const Segment> segments, const M& mask, AttentionShape shape,
               MatView<float> y, VecView<float> lse) {
  constexpr Index block = detail::attention_block, tile = detail::attention_tile;
  constexpr float nothing = -std::numeric_limits<float>::infinity();
  const Index d = shape.head_dim, group = shape.heads / shape.kv_heads, panel = kernel.panel;
  const auto factor = static_cast<float>(shape.scale * std::numbers::log2e);  // scores become exponents of 2
  std::vector<detail::QueryBlock> tasks;
  for (const Segment& s : segments)
    for (Index b = 0; b < s.size; b += block)
      for (Index kv = 0; kv < shape.kv_heads; ++kv) tasks.push_back({s, b, std::min(block, s.size - b), kv, group});

  lane.parallel_for(static_cast<Index>(tasks.size()), [&](Index number, Worker& worker) {
    const detail::QueryBlock& task = tasks[static_cast<std::size_t>(number)];
    const Segment& s = task.segment;
    const Index count = task.count(), panels = (count + panel - 1) / panel;
    const detail::AttentionScratch at(worker, panels, panel, d);
    for (Index l = 0; l < count; ++l) {
      const float* from = q.row(s.begin + task.query(l)) + task.head(l) * d;
      float* to = at.queries + l / panel * panel * d + l % panel;
      for (Index c = 0; c < d; ++c) to[c * panel] = factor * from[c];
    }
    std::array<Range, block> seen;  // by each query
    std::array<bool, block> sees{};
    for (Index i = 0; i < task.size; ++i) {
      const auto at_i = static_cast<std::size_t>(i);
      seen[at_i] = keys_within(mask, {task.begin + i, task.begin + i + 1}, s);
      sees[at_i] = exact_keys<M> && seen[at_i].size() > 0;  // else it shows when keys are asked for one by one
    }

    const Range keys = keys_within(mask, {task.begin, task.begin + task.size}, s);
    for (Index t = keys.begin / tile * tile; t < keys.end; t += tile) {
      const Range now{std::max(t, keys.begin), std::min(t + tile, keys.end)};
      at.load(k, v, s.begin + now.begin, now.size(), task.kv * d);
      for (Index p = 0; p < panels; ++p) {
        const Index first = p * panel, queries = std::min(panel, count - first);
        Range needed{now.end, now.begin}, common = now;  // keys that some query sees, keys that all see
        for (Index l = first; l < first + queries; ++l) {
          const Range r = seen[static_cast<std::size_t>(l % task.size)];
          needed = {std::min(needed.begin, r.begin), std::max(needed.end, r.end)};
          common = {std::max(common.begin, r.begin), std::min(common.end, r.end)};
        }
        needed = {std::max(needed.begin, now.begin), std::min(needed.end, now.end)};
        if (needed.size() <= 0) continue;
        const Index skip = (needed.begin - now.begin) / 8 * 8, rows = (needed.end - now.begin - skip + 7) / 8 * 8;
        const Index begin = now.begin + skip, end = begin + rows;  // of the scores
        kernel.attention_scores(at.queries + first * d, queries, at.keys + skip * d, d, rows, at.scores);
        if (!exact_keys<M> || begin < common.begin || end > common.end)
          for (Index l = 0; l < queries; ++l) {
            const Index query = task.query(first + l);
            const Range r = seen[static_cast<std::size_t>(query - task.begin)];
            const auto hide = [&, column = at.scores + l](Index key) { column[(key - begin) * panel] = nothing; };
            const Range visible{std::clamp(r.begin, begin, end), std::clamp(std::min(r.end, now.end), begin, end)};
            for (Index j = begin; j < visible.begin; ++j) hide(j);
            if constexpr (!exact_keys<M>)
              for (Index j = visible.begin; j < visible.end; ++j) {
                if (mask.allows(query, j, s))
                  sees[static_cast<std::size_t>(query - task.begin)] = true;
                else
                  hide(j);
              }
            for (Index j = std::max(visible.begin, visible.end); j < end; ++j) hide(j);
          }
        kernel.attention_values(at.scores, queries, at.values + skip * at.padded, at.padded, rows, at.highest + first,
                                at.sum + first, at.out + first * at.padded);
      }
    }
    for (Index l = 0; l < count; ++l) {
      const Index row = s.begin + task.query(l), head = task.head(l);
      if (!sees[static_cast<std::size_t>(l % task.size)]) fail_blind_query(task.query(l), s);
      const float* from = at.out + l / panel * panel * at.padded + l % panel;
      float* to = y.row(row) + head * d;
      const float inverse = 1 / at.sum[l];
      for (Index c = 0; c < d; ++c) to[c] = from[c * panel] * inverse;
      if (lse.data) lse[row * shape.heads + head] = (at.highest[l] + std::log2(at.sum[l])) * std::numbers::ln2_v<float>;
    }
  });
}

}  // namespace nvembed::cpu
