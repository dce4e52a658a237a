#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <nvembed/core/config.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/cuda/attention_args.hpp>
#include <nvembed/cuda/batch_layout.hpp>
#include <nvembed/mask/mask.hpp>
#include <span>
#include <vector>

namespace nvembed::cuda {

class Lane;

/// What attention under one mask needs to know about a batch; the pointers are device memory.
struct AttentionPlan {
  const AttentionTile* tiles = nullptr;
  int tile_count = 0;
  const int2* ranges = nullptr;  // of exact masks: the keys that each row sees
};

/// The batches that a lane has met last, as its kernels read them: every layer asks for the same ones, so their
/// segments cross over once a batch. They are known by their content.
class Batches {
 public:
  /// Segments of a batch of `rows` rows. Valid until many other batches have been asked for.
  BatchLayout layout(Lane& lane, std::span<const Segment> segments, Index rows) {
    return find(lane, segments, rows).layout;
  }

  /// Throws InputError where a token sees nothing. Valid as `layout`.
  template <Mask M>
  AttentionPlan plan(Lane& lane, std::span<const Segment> segments, Index rows, const M& mask) {
    Known& known = find(lane, segments, rows);
    static constexpr char tag = 0;  // its address tells the mask's type
    for (const Planned& p : known.plans)
      if (p.type == &tag && is_same(p.mask.data(), mask)) return p.plan;

    if (known.plans.size() == most_plans) known.plans.erase(known.plans.begin());
    std::vector<AttentionTile> tiles;
    std::vector<int2> ranges;
    if constexpr (exact_keys<M>) ranges.resize(static_cast<std::size_t>(rows), int2{0, 0});
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const Segment& s = segments[i];
      for (Index q = 0; q < s.size; ++q) {
        Range keys = keys_within(mask, {q, q + 1}, s);
        if constexpr (exact_keys<M>) {
          ranges[static_cast<std::size_t>(s.begin + q)] = {static_cast<int>(keys.begin), static_cast<int>(keys.end)};
        } else {
          while (keys.begin < keys.end && !mask.allows(q, keys.begin, s)) ++keys.begin;
        }
        if (keys.begin == keys.end) fail_blind_query(q, s);
      }
      for (Index q = 0; q < s.size; q += attention_tile_rows) {
        const Range keys = keys_within(mask, {q, std::min(q + attention_tile_rows, s.size)}, s);
        tiles.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(q),
                         static_cast<std::int32_t>(keys.begin), static_cast<std::int32_t>(keys.end)});
      }
    }
    // The longest first: none of them then begins when all others are done.
    std::stable_sort(tiles.begin(), tiles.end(), [](const AttentionTile& a, const AttentionTile& b) {
      return a.key_end - a.key_begin > b.key_end - b.key_begin;
    });
    Planned planned;
    planned.type = &tag;
    planned.mask.resize(sizeof mask);
    std::memcpy(planned.mask.data(), &mask, sizeof mask);
    planned.tiles = uploaded(lane, std::span<const AttentionTile>(tiles));
    planned.ranges = uploaded(lane, std::span<const int2>(ranges));
    planned.plan = {reinterpret_cast<const AttentionTile*>(planned.tiles.get()), static_cast<int>(tiles.size()),
                    ranges.empty() ? nullptr : reinterpret_cast<const int2*>(planned.ranges.get())};
    known.plans.push_back(std::move(planned));
    return known.plans.back().plan;
  }

  /// Lengths of the texts, of which there may be said to be more: empty ones. Valid as `layout`,
  /// and while seven others of these numbers are asked for at most.
  const std::int32_t* lengths(Lane& lane, std::span<const Segment> segments, Index rows, Index texts) {
    return numbers(lane, segments, rows, texts, 0);
  }
  /// Where each of the texts begins in a matrix of rows `stride` elements apart, and where the last ends, (texts + 1),
  /// in elements, fewer than 2^31. Valid as `lengths`.
  const std::int32_t* offsets(Lane& lane, std::span<const Segment> segments, Index rows, Index texts, Index stride) {
    return numbers(lane, segments, rows, texts, stride);
  }

  void clear() { known_.clear(); }

 private:
  struct Numbers {
    Index texts = 0, stride = 0;  // 0: lengths
    std::shared_ptr<std::byte> data;
  };
  struct Planned {
    const void* type = nullptr;
    std::vector<std::byte> mask;
    std::shared_ptr<std::byte> tiles, ranges;
    AttentionPlan plan;
  };
  struct Known {
    std::vector<Segment> host;
    Index rows = 0;
    std::shared_ptr<std::byte> segments, row_segment;
    BatchLayout layout;
    std::vector<Planned> plans;
    std::vector<Numbers> numbers;
  };
  /// Whether the bytes are those of an equal mask; masks that cannot be compared may be taken for different ones.
  template <class M>
  static bool is_same(const std::byte* bytes, const M& mask) {
    if constexpr (std::equality_comparable<M>) {
      M known{};
      std::memcpy(static_cast<void*>(&known), bytes, sizeof known);
      return known == mask;
    } else {
      return std::memcmp(bytes, &mask, sizeof mask) == 0;
    }
  }
  // Short texts come in few lengths, each with two batches, the tokens' and the pooled rows'.
  static constexpr std::size_t most = 64;
  static constexpr std::size_t most_plans = 3;  // masks of one batch
  static constexpr std::size_t most_numbers = 8;

  Known& find(Lane& lane, std::span<const Segment> segments, Index rows) {
    for (std::size_t i = known_.size(); i-- > 0;)
      if (known_[i].rows == rows &&
          std::equal(segments.begin(), segments.end(), known_[i].host.begin(), known_[i].host.end())) {
        std::rotate(known_.begin() + static_cast<std::ptrdiff_t>(i),
                    known_.begin() + static_cast<std::ptrdiff_t>(i) + 1, known_.end());
        return known_.back();
      }
    constexpr Index limit = std::numeric_limits<std::int32_t>::max();
    require<ShapeError>(rows < limit, "cuda", rows, " tokens in one batch, at most ", limit - 1, " can be");
    if (known_.size() == most) known_.erase(known_.begin());
    Known k;
    k.host.assign(segments.begin(), segments.end());
    k.rows = rows;
    std::vector<std::int32_t> row_segment(static_cast<std::size_t>(rows), -1);
    for (std::size_t i = 0; i < segments.size(); ++i)
      std::fill_n(row_segment.begin() + segments[i].begin, segments[i].size, static_cast<std::int32_t>(i));
    k.segments = uploaded(lane, segments);
    k.row_segment = uploaded(lane, std::span<const std::int32_t>(row_segment));
    k.layout = {reinterpret_cast<const Segment*>(k.segments.get()),
                reinterpret_cast<const std::int32_t*>(k.row_segment.get()), static_cast<Index>(segments.size()), rows};
    known_.push_back(std::move(k));
    return known_.back();
  }

  const std::int32_t* numbers(Lane& lane, std::span<const Segment> segments, Index rows, Index texts, Index stride) {
    std::vector<Numbers>& known = find(lane, segments, rows).numbers;
    for (auto n = known.begin(); n != known.end(); ++n)
      if (n->texts == texts && n->stride == stride) {
        std::rotate(n, n + 1, known.end());  // the latest last: a call's own numbers outlive it
        return reinterpret_cast<const std::int32_t*>(known.back().data.get());
      }
    std::vector<std::int32_t> values(static_cast<std::size_t>(stride ? texts + 1 : texts), 0);
    for (std::size_t i = 0; i < segments.size(); ++i)
      values[i] = static_cast<std::int32_t>(stride ? segments[i].begin * stride : segments[i].size);
    if (stride && !segments.empty()) {
      const Index end = segments.back().begin + segments.back().size;
      std::fill(values.begin() + static_cast<std::ptrdiff_t>(segments.size()), values.end(),
                static_cast<std::int32_t>(end * stride));
    }
    if (known.size() == most_numbers) known.erase(known.begin());
    known.push_back({texts, stride, uploaded(lane, std::span<const std::int32_t>(values))});
    return reinterpret_cast<const std::int32_t*>(known.back().data.get());
  }

  template <class T>
  static std::shared_ptr<std::byte> uploaded(Lane& lane, std::span<const T> values) {
    return values.empty() ? nullptr : uploaded(lane, values.data(), values.size_bytes());
  }
  NVEMBED_INLINE static std::shared_ptr<std::byte> uploaded(Lane& lane, const void* values, std::size_t bytes);

  std::vector<Known> known_;
};

}  // namespace nvembed::cuda
