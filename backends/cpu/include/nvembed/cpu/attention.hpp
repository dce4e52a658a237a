#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/kernel_args.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/core/view.hpp>
#include <nvembed/cpu/kernels.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>

namespace nvembed::cpu {

/// Attention of packed texts in f32. A task is a block of queries of one text under one key head; blocks are counted
/// from the text's beginning, so a text's bits do not depend on its place. Keys outside mask.keys() are not read.
/// Memory: eight rows of scores and the transposed keys of one head a thread, linear in the length.
template <Mask M>
void attention(const Kernels& kernel, HostLane& lane, MatView<const float> q, MatView<const float> k,
               MatView<const float> v, std::span<const Segment> segments, const M& mask, AttentionShape shape,
               MatView<float> y, VecView<float> lse) {
  constexpr Index block = 128, rows = 8;
  struct Task {
    Index segment, begin;
  };
  std::vector<Task> tasks;
  for (std::size_t s = 0; s < segments.size(); ++s)
    for (Index b = 0; b < segments[s].size; b += block) tasks.push_back({static_cast<Index>(s), b});
  const Index d = shape.head_dim, group = shape.heads / shape.kv_heads;

  lane.parallel_for(static_cast<Index>(tasks.size()) * shape.kv_heads, [&](Index task, Worker& worker) {
    const auto [index, begin] = tasks[static_cast<std::size_t>(task / shape.kv_heads)];
    const Segment& s = segments[static_cast<std::size_t>(index)];
    const Index kv = task % shape.kv_heads, end = std::min(begin + block, s.size);
    const Range keys = keys_within(mask, {begin, end}, s);
    const Index n = keys.size(), width = (n + 15) / 16 * 16;

    float* keys_t = worker.scratch_as<float>(d * width + rows * (width + 2 * d));  // (d, width)
    float* scores = keys_t + d * width;                                            // (rows, width)
    float* queries = scores + rows * width;                                        // (rows, d)
    float* out = queries + rows * d;                                               // (rows, d)
    for (Index j = 0; j < n; ++j) {
      const float* key = k.row(s.begin + keys.begin + j) + kv * d;
      for (Index c = 0; c < d; ++c) keys_t[c * width + j] = key[c];
    }
    for (Index head = kv * group; head < (kv + 1) * group; ++head)
      for (Index first = begin; first < end; first += rows) {
        const Index count = std::min(rows, end - first);
        for (Index r = 0; r < rows; ++r) {
          if (r < count)
            std::copy_n(q.row(s.begin + first + r) + head * d, d, queries + r * d);
          else
            std::fill_n(queries + r * d, d, 0.0f);
        }
        kernel.gemm8(queries, d, keys_t, width, d, n, scores, width);
        float sums[rows];
        for (Index r = 0; r < rows; ++r) {
          float* p = scores + r * width;
          if (r >= count) {
            std::fill_n(p, n, 0.0f);
            continue;
          }
          // What the query may see, relative to `keys`; the rest gets weight 0.
          Range seen = keys_within(mask, {first + r, first + r + 1}, s);
          seen = {seen.begin - keys.begin, seen.end - keys.begin};
          bool any = seen.size() > 0;
          if constexpr (!exact_keys<M>) {
            any = false;
            for (Index j = seen.begin; j < seen.end; ++j)
              if (mask.allows(first + r, keys.begin + j, s))
                any = true;
              else
                p[j] = -std::numeric_limits<float>::infinity();
          }
          if (!any) fail_blind_query(first + r, s);
          std::fill_n(p, seen.begin, 0.0f);
          std::fill(p + seen.end, p + n, 0.0f);
          const auto scale = static_cast<float>(shape.scale);
          float highest = 0;
          if (lse.data) highest = scale * *std::max_element(p + seen.begin, p + seen.end);
          sums[r] = kernel.exp_sum(p + seen.begin, seen.size(), scale, p + seen.begin);
          if (lse.data) lse[(s.begin + first + r) * shape.heads + head] = highest + std::log(sums[r]);
        }
        kernel.gemm8(scores, width, v.row(s.begin + keys.begin) + kv * d, v.stride, n, d, out, d);
        for (Index r = 0; r < count; ++r)
          kernel.scale(out + r * d, d, 1.0f / sums[r], y.row(s.begin + first + r) + head * d);
      }
  });
}

}  // namespace nvembed::cpu
