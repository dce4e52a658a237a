#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <nvembed/core/segment.hpp>
#include <nvembed/cuda/queue.hpp>

namespace nvembed::cuda {

/// Query rows of a tile. Tiles begin at multiples of it in each text, and never span two.
inline constexpr Index attention_tile_rows = 128;

/// Queries [first, first + attention_tile_rows) of a text; they see no key outside [key_begin, key_end).
struct AttentionTile {
  std::int32_t segment, first, key_begin, key_end;
};

/// What attention kernels work on; all pointers are device memory, strides count elements.
template <class T>
struct AttentionArgs {
  const T *q, *k, *v;  // (rows, heads head_dim), (rows, kv_heads head_dim) twice
  T* y;                // as q
  float* lse;          // (rows, heads) or none: log of the sum of exp(scale q k), natural
  Index q_stride, k_stride, v_stride, y_stride;
  int heads, kv_heads, head_dim;
  float scale;
  const Segment* segments;
  const AttentionTile* tiles;
  Index tile_count;
  const int2* ranges;  // (rows), for RangeSight: keys [x, y) of its text that a row sees
};

/// No byte of it is left to chance.
template <class T>
inline constexpr bool plain_bytes<AttentionArgs<T>> = true;
static_assert(sizeof(AttentionArgs<float>) == 8 * sizeof(void*) + 5 * sizeof(Index) + 3 * sizeof(int) + sizeof(float),
              "no padding: calls are compared byte by byte");

}  // namespace nvembed::cuda
