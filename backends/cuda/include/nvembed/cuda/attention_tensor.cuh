#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <nvembed/core/segment.hpp>
#include <nvembed/cuda/attention_args.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/ptx.cuh>
#include <nvembed/cuda/reduce.cuh>
#include <nvembed/cuda/scalar.cuh>
#include <nvembed/cuda/sight.cuh>

/// Attention on tensor cores: a block has a tile of 128 queries of one head, four warps of 32 rows. Keys and values
/// pass through shared memory 64 at a time, the next while these are multiplied; the softmax is kept up as they come
/// (arXiv 1805.02867, 2205.14135), so memory does not grow with the length. Tiles of keys begin at multiples of 64 in
/// the text: a row's bits do not hang on the batch.
namespace nvembed::cuda::detail {

inline constexpr int tensor_halves = 2;  // of 16 rows, in a warp: what is read from shared memory serves both
inline constexpr int tensor_warps = static_cast<int>(attention_tile_rows) / (16 * tensor_halves), tensor_keys = 64;

/// Elements from one row to the next in shared memory: an odd number of 16 bytes, so that eight rows read at once lie
/// in different banks.
template <int d>
inline constexpr int tensor_stride = d + 8;

template <int d>
inline constexpr std::size_t tensor_shared_bytes =
    (static_cast<std::size_t>(attention_tile_rows) + 4 * tensor_keys) * tensor_stride<d> * 2;

/// `count` rows of a text's matrix from row `first` to shared memory; zeros where the text has ended.
template <int d, int count, class T>
__device__ __forceinline__ void fetch_rows(T* shared, const T* rows, Index stride, int first, int size) {
  constexpr int chunks = d / 8, threads = tensor_warps * 32;
  if constexpr (threads % chunks == 0) {  // a thread stays in its column
    constexpr int step = threads / chunks;
    int row = static_cast<int>(threadIdx.x) / chunks;
    const int column = static_cast<int>(threadIdx.x) % chunks * 8;
    const T* from = rows + (first + row) * stride + column;
    T* to = shared + row * tensor_stride<d> + column;
#pragma unroll
    for (int i = 0; i < count / step; ++i, row += step) {
      const bool valid = first + row < size;
      copy_async_16(to + i * step * tensor_stride<d>, valid ? from + i * step * stride : rows, valid);
    }
  } else {
    for (int c = static_cast<int>(threadIdx.x); c < count * chunks; c += threads) {
      const int row = c / chunks, column = c % chunks * 8;
      const bool valid = first + row < size;
      copy_async_16(shared + row * tensor_stride<d> + column, rows + (valid ? first + row : 0) * stride + column,
                    valid);
    }
  }
}

/// Scores of a warp's 32 rows and `blocks` times 16 keys, minus infinity for the keys beyond.
template <class T, int d, bool whole>
__device__ __forceinline__ void multiply_keys(float (&scores)[tensor_halves][tensor_keys / 8][4], const T* queries,
                                              const T* keys, int blocks, float none) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int h = 0; h < tensor_halves; ++h)
#pragma unroll
    for (int b = 0; b < tensor_keys / 8; ++b)
#pragma unroll
      for (int i = 0; i < 4; ++i) scores[h][b][i] = whole || b / 2 < blocks ? 0.0f : none;
#pragma unroll
  for (int s = 0; s < d / 16; ++s) {
    unsigned q[tensor_halves][4];
#pragma unroll
    for (int h = 0; h < tensor_halves; ++h)
      ldmatrix_x4(q[h], queries + (h * 16 + lane % 16) * tensor_stride<d> + s * 16 + lane / 16 * 8);
#pragma unroll
    for (int b = 0; b < tensor_keys / 16; ++b) {
      if (!whole && b >= blocks) continue;
      unsigned k[4];
      ldmatrix_x4(k, keys + (b * 16 + lane % 8 + lane / 16 * 8) * tensor_stride<d> + s * 16 + lane / 8 % 2 * 8);
#pragma unroll
      for (int h = 0; h < tensor_halves; ++h) {
        mma_16x8x16<T>(scores[h][2 * b], q[h], {k[0], k[1]});
        mma_16x8x16<T>(scores[h][2 * b + 1], q[h], {k[2], k[3]});
      }
    }
  }
}

/// out += weights values, the weights rounded to T.
template <class T, int d, bool whole>
__device__ __forceinline__ void multiply_values(float (&out)[tensor_halves][d / 8][4],
                                                const float (&weights)[tensor_halves][tensor_keys / 8][4],
                                                const T* values, int blocks) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
  for (int b = 0; b < tensor_keys / 16; ++b) {
    if (!whole && b >= blocks) continue;
    unsigned p[tensor_halves][4];
#pragma unroll
    for (int h = 0; h < tensor_halves; ++h)
#pragma unroll
      for (int i = 0; i < 4; ++i)
        p[h][i] = round_pair<T>(weights[h][2 * b + i / 2][i % 2 * 2], weights[h][2 * b + i / 2][i % 2 * 2 + 1]);
#pragma unroll
    for (int c = 0; c < d / 16; ++c) {
      unsigned v[4];
      ldmatrix_x4_trans(v, values + (b * 16 + lane % 16) * tensor_stride<d> + c * 16 + lane / 16 * 8);
#pragma unroll
      for (int h = 0; h < tensor_halves; ++h) {
        mma_16x8x16<T>(out[h][2 * c], p[h], {v[0], v[1]});
        mma_16x8x16<T>(out[h][2 * c + 1], p[h], {v[2], v[3]});
      }
    }
  }
}

template <class T, int d, class Sight>
__global__ void __launch_bounds__(tensor_warps * 32)
    attention_tensor_kernel(const AttentionArgs<T> args, const Sight sight) {
  constexpr int stride = tensor_stride<d>, rows = tensor_halves * 2;  // that a lane has to do with
  const AttentionTile tile = args.tiles[blockIdx.x];
  const Segment segment = args.segments[tile.segment];
  const int size = static_cast<int>(segment.size), head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (args.heads / args.kv_heads);
  const T* k = args.k + segment.begin * args.k_stride + kv_head * d;
  const T* v = args.v + segment.begin * args.v_stride + kv_head * d;
  T* const queries = reinterpret_cast<T*>(shared_memory());
  T* const keys = queries + static_cast<int>(attention_tile_rows) * stride;  // two tiles
  T* const values = keys + 2 * tensor_keys * stride;                         // two tiles

  const int begin = tile.key_begin / tensor_keys * tensor_keys;
  fetch_rows<d, static_cast<int>(attention_tile_rows)>(queries, args.q + segment.begin * args.q_stride + head * d,
                                                       args.q_stride, tile.first, size);
  fetch_rows<d, tensor_keys>(keys, k, args.k_stride, begin, size);
  fetch_rows<d, tensor_keys>(values, v, args.v_stride, begin, size);
  commit_async();

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int group = lane / 4, place = lane % 4;  // a lane has columns 2 place, 2 place + 1 of rows group + 8 r
  const int first_row = tile.first + warp * tensor_halves * 16;
  const bool idle = first_row >= size;  // a warp of absent rows only helps to fetch

  // What all rows of the warp see, and what any does; rows beyond the text count for nothing.
  int all_low = 0, all_high = size, any_low = size, any_high = 0;
#pragma unroll
  for (int r = 0; r < rows; ++r) {
    const int row = first_row + group + 8 * r;
    if (row >= size) continue;
    const int2 seen = sight.range(args.ranges, segment, row);
    all_low = max(all_low, seen.x), all_high = min(all_high, seen.y);
    any_low = min(any_low, seen.x), any_high = max(any_high, seen.y);
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    all_low = max(all_low, __shfl_xor_sync(all_lanes, all_low, distance));
    all_high = min(all_high, __shfl_xor_sync(all_lanes, all_high, distance));
    any_low = min(any_low, __shfl_xor_sync(all_lanes, any_low, distance));
    any_high = max(any_high, __shfl_xor_sync(all_lanes, any_high, distance));
  }

  float out[tensor_halves][d / 8][4] = {};
  const float none = -__uint_as_float(0x7f800000u);  // -infinity
  float top[rows], sum[rows];
#pragma unroll
  for (int r = 0; r < rows; ++r) top[r] = none, sum[r] = 0;
  const float to_exponent = args.scale * 1.4426950408889634f;  // of two

  int stage = 0;
  for (int at = begin; at < tile.key_end; at += tensor_keys, stage ^= 1) {
    if (at + tensor_keys < tile.key_end) {
      fetch_rows<d, tensor_keys>(keys + (stage ^ 1) * tensor_keys * stride, k, args.k_stride, at + tensor_keys, size);
      fetch_rows<d, tensor_keys>(values + (stage ^ 1) * tensor_keys * stride, v, args.v_stride, at + tensor_keys, size);
    }
    commit_async();
    wait_async<1>();
    __syncthreads();
    if (!idle && at < any_high && at + tensor_keys > any_low) {
      const T* own = queries + warp * tensor_halves * 16 * stride;
      const T* tile_keys = keys + stage * tensor_keys * stride;
      const T* tile_values = values + stage * tensor_keys * stride;
      const int blocks = (tile.key_end - at + 15) / 16;  // of 16 keys that are there
      const bool whole = blocks >= tensor_keys / 16;

      float scores[tensor_halves][tensor_keys / 8][4];
      if (whole)
        multiply_keys<T, d, true>(scores, own, tile_keys, blocks, none);
      else
        multiply_keys<T, d, false>(scores, own, tile_keys, blocks, none);

      if (Sight::by_element || all_low > at || all_high < at + tensor_keys) {
#pragma unroll
        for (int r = 0; r < rows; ++r) {
          const int row = min(first_row + group + 8 * r, size - 1);
          const int2 range = sight.range(args.ranges, segment, row);
#pragma unroll
          for (int b = 0; b < tensor_keys / 8; ++b)
#pragma unroll
            for (int e = 0; e < 2; ++e) {
              const int key = at + b * 8 + place * 2 + e;
              bool seen = key >= range.x && key < range.y;
              if constexpr (Sight::by_element) seen = seen && sight.allows(row, key, segment);
              if (!seen) scores[r / 2][b][r % 2 * 2 + e] = none;
            }
        }
      }

#pragma unroll
      for (int r = 0; r < rows; ++r) {
        float most = top[r];
#pragma unroll
        for (int b = 0; b < tensor_keys / 8; ++b)
          most = fmaxf(most, fmaxf(scores[r / 2][b][r % 2 * 2], scores[r / 2][b][r % 2 * 2 + 1]));
        most = fmaxf(most, __shfl_xor_sync(all_lanes, most, 1));
        most = fmaxf(most, __shfl_xor_sync(all_lanes, most, 2));
        const float base = most == none ? 0.0f : most * to_exponent;  // of rows that have seen nothing yet
        const float shrink = exp2f(top[r] * to_exponent - base);
        top[r] = most;
        float row_sum = 0;
#pragma unroll
        for (int b = 0; b < tensor_keys / 8; ++b)
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            float& score = scores[r / 2][b][r % 2 * 2 + e];
            score = exp2f(fmaf(score, to_exponent, -base));
            row_sum += score;
          }
        sum[r] = fmaf(sum[r], shrink, row_sum);
#pragma unroll
        for (int c = 0; c < d / 8; ++c) out[r / 2][c][r % 2 * 2] *= shrink, out[r / 2][c][r % 2 * 2 + 1] *= shrink;
      }

      if (whole)
        multiply_values<T, d, true>(out, scores, tile_values, blocks);
      else
        multiply_values<T, d, false>(out, scores, tile_values, blocks);
    }
    __syncthreads();  // the tile may be overwritten
  }
  if (idle) return;

#pragma unroll
  for (int r = 0; r < rows; ++r) {
    sum[r] += __shfl_xor_sync(all_lanes, sum[r], 1);
    sum[r] += __shfl_xor_sync(all_lanes, sum[r], 2);
    const int row = first_row + group + 8 * r;
    if (row >= size) continue;
    const float inverse = 1.0f / sum[r];
    T* y = args.y + (segment.begin + row) * args.y_stride + head * d + place * 2;
#pragma unroll
    for (int c = 0; c < d / 8; ++c)
      *reinterpret_cast<unsigned*>(y + c * 8) =
          round_pair<T>(out[r / 2][c][r % 2 * 2] * inverse, out[r / 2][c][r % 2 * 2 + 1] * inverse);
    if (args.lse && place == 0)
      args.lse[(segment.begin + row) * args.heads + head] = top[r] * args.scale + logf(sum[r]);
  }
}

/// Whether head size and alignment suit the kernel.
template <class T>
bool fits_tensor(const AttentionArgs<T>& a) {
  const auto aligned = [](const void* p, Index stride) {
    return reinterpret_cast<std::uintptr_t>(p) % 16 == 0 && stride % 8 == 0;
  };
  const int d = a.head_dim;
  return (d == 16 || d == 32 || d == 64 || d == 80 || d == 96 || d == 128) && aligned(a.q, a.q_stride) &&
         aligned(a.k, a.k_stride) && aligned(a.v, a.v_stride) && aligned(a.y, a.y_stride);
}

template <class T, class Sight>
void attention_tensor(const AttentionArgs<T>& a, const Sight& sight, Queue& queue) {
  const auto run = [&]<int d>() {
    launch(attention_tensor_kernel<T, d, Sight>,
           dim3(static_cast<unsigned>(a.tile_count), static_cast<unsigned>(a.heads)), dim3(tensor_warps * 32),
           tensor_shared_bytes<d>, queue, a, sight);
  };
  switch (a.head_dim) {
    case 16:
      return run.template operator()<16>();
    case 32:
      return run.template operator()<32>();
    case 64:
      return run.template operator()<64>();
    case 80:
      return run.template operator()<80>();
    case 96:
      return run.template operator()<96>();
    default:
      return run.template operator()<128>();
  }
}

}  // namespace nvembed::cuda::detail
