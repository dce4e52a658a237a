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

/// Attention on tensor cores: a block has a tile of 64 queries of one head, four warps of 16 rows. Keys and values pass
/// through shared memory 64 at a time, the next while these are multiplied; the softmax is kept up as they come
/// (arXiv 1805.02867, 2205.14135), so memory does not grow with the length. Tiles of keys begin at multiples of 64 in
/// the text: a row's bits do not hang on the batch.
namespace nvembed::cuda::detail {

inline constexpr int tensor_warps = 4, tensor_keys = 64;

/// Elements from one row to the next in shared memory: an odd number of 16 bytes, so that eight rows read at once lie
/// in different banks.
template <int d>
inline constexpr int tensor_stride = d + 8;

template <int d>
inline constexpr std::size_t tensor_shared_bytes = std::size_t{4} * tensor_keys* tensor_stride<d> * 2;

template <Element T>
__device__ __forceinline__ unsigned pair(float low, float high) {
  return static_cast<unsigned>(from_float<T>(low).bits) | static_cast<unsigned>(from_float<T>(high).bits) << 16;
}

/// Rows [first, first + 64) of a text's matrix to shared memory; zeros where the text has ended.
template <int d, class T>
__device__ __forceinline__ void fetch_rows(T* shared, const T* rows, Index stride, int first, int size) {
  constexpr int chunks = d / 8;
  for (int c = static_cast<int>(threadIdx.x); c < tensor_keys * chunks; c += tensor_warps * 32) {
    const int row = c / chunks, column = c % chunks * 8;
    const bool valid = first + row < size;
    copy_async_16(shared + row * tensor_stride<d> + column, rows + (valid ? first + row : 0) * stride + column, valid);
  }
}

template <class T, int d, class Sight>
__global__ void __launch_bounds__(tensor_warps * 32)
    attention_tensor_kernel(const AttentionArgs<T> args, const Sight sight) {
  constexpr int stride = tensor_stride<d>, steps = d / 16;
  const AttentionTile tile = args.tiles[blockIdx.x];
  const Segment segment = args.segments[tile.segment];
  const int size = static_cast<int>(segment.size), head = static_cast<int>(blockIdx.y);
  const int kv_head = head / (args.heads / args.kv_heads);
  const T* q = args.q + segment.begin * args.q_stride + head * d;
  const T* k = args.k + segment.begin * args.k_stride + kv_head * d;
  const T* v = args.v + segment.begin * args.v_stride + kv_head * d;
  T* const keys = reinterpret_cast<T*>(shared_memory());  // two tiles
  T* const values = keys + 2 * tensor_keys * stride;      // two tiles

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int group = lane / 4, place = lane % 4;  // a lane has columns 2 place, 2 place + 1 of rows group, group + 8
  const int first_row = tile.first + warp * 16;
  const bool idle = first_row >= size;  // a warp of absent rows only helps to fetch

  // Queries: through the first tile of keys into registers.
  unsigned queries[steps][4];
  fetch_rows<d>(keys, q, args.q_stride, tile.first, size);
  commit_async();
  wait_async<0>();
  __syncthreads();
#pragma unroll
  for (int s = 0; s < steps; ++s)
    ldmatrix_x4(queries[s], keys + (warp * 16 + lane % 16) * stride + s * 16 + lane / 16 * 8);
  __syncthreads();

  // What this lane's two rows see; what all rows of the warp see, and what any does.
  int low[2], high[2], all_low = 0, all_high = size, any_low = size, any_high = 0;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = first_row + group + 8 * r;
    low[r] = 0, high[r] = size;  // rows beyond the text count for nothing
    if (row < size) {
      const int2 seen = sight.range(args.ranges, segment, row);
      low[r] = seen.x, high[r] = seen.y;
      all_low = max(all_low, low[r]), all_high = min(all_high, high[r]);
      any_low = min(any_low, low[r]), any_high = max(any_high, high[r]);
    }
  }
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) {
    all_low = max(all_low, __shfl_xor_sync(all_lanes, all_low, distance));
    all_high = min(all_high, __shfl_xor_sync(all_lanes, all_high, distance));
    any_low = min(any_low, __shfl_xor_sync(all_lanes, any_low, distance));
    any_high = max(any_high, __shfl_xor_sync(all_lanes, any_high, distance));
  }

  float out[d / 8][4] = {};
  const float none = -__uint_as_float(0x7f800000u);  // -infinity
  float top[2] = {none, none}, sum[2] = {0, 0};
  const float to_exponent = args.scale * 1.4426950408889634f;  // of two

  const int begin = tile.key_begin / tensor_keys * tensor_keys;
  fetch_rows<d>(keys, k, args.k_stride, begin, size);
  fetch_rows<d>(values, v, args.v_stride, begin, size);
  commit_async();
  int stage = 0;
  for (int at = begin; at < tile.key_end; at += tensor_keys, stage ^= 1) {
    if (at + tensor_keys < tile.key_end) {
      fetch_rows<d>(keys + (stage ^ 1) * tensor_keys * stride, k, args.k_stride, at + tensor_keys, size);
      fetch_rows<d>(values + (stage ^ 1) * tensor_keys * stride, v, args.v_stride, at + tensor_keys, size);
    }
    commit_async();
    wait_async<1>();
    __syncthreads();
    if (!idle && at < any_high && at + tensor_keys > any_low) {
      const T* tile_keys = keys + stage * tensor_keys * stride;
      const T* tile_values = values + stage * tensor_keys * stride;
      const int blocks = min(tensor_keys / 16, (tile.key_end - at + 15) / 16);  // of 16 keys

      float scores[tensor_keys / 8][4];
#pragma unroll
      for (int b = 0; b < tensor_keys / 16; ++b) {
#pragma unroll
        for (int i = 0; i < 4; ++i) scores[2 * b][i] = scores[2 * b + 1][i] = b < blocks ? 0.0f : none;
        if (b >= blocks) continue;
#pragma unroll
        for (int s = 0; s < steps; ++s) {
          unsigned r[4];
          ldmatrix_x4(r, tile_keys + (b * 16 + lane % 8 + lane / 16 * 8) * stride + s * 16 + lane / 8 % 2 * 8);
          mma_16x8x16<T>(scores[2 * b], queries[s], {r[0], r[1]});
          mma_16x8x16<T>(scores[2 * b + 1], queries[s], {r[2], r[3]});
        }
      }
      if (Sight::by_element || all_low > at || all_high < at + tensor_keys) {
#pragma unroll
        for (int b = 0; b < tensor_keys / 8; ++b)
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const int key = at + b * 8 + place * 2 + i % 2, r = i / 2;
            bool seen = key >= low[r] && key < high[r];
            if constexpr (Sight::by_element)
              seen = seen && sight.allows(min(first_row + group + 8 * r, size - 1), key, segment);
            if (!seen) scores[b][i] = none;
          }
      }

#pragma unroll
      for (int r = 0; r < 2; ++r) {
        float most = top[r];
#pragma unroll
        for (int b = 0; b < tensor_keys / 8; ++b) most = fmaxf(most, fmaxf(scores[b][2 * r], scores[b][2 * r + 1]));
        most = fmaxf(most, __shfl_xor_sync(all_lanes, most, 1));
        most = fmaxf(most, __shfl_xor_sync(all_lanes, most, 2));
        const float base = most == none ? 0.0f : most * to_exponent;  // of rows that have seen nothing yet
        const float shrink = exp2f(top[r] * to_exponent - base);
        top[r] = most;
        float row_sum = 0;
#pragma unroll
        for (int b = 0; b < tensor_keys / 8; ++b)
#pragma unroll
          for (int i = 2 * r; i < 2 * r + 2; ++i) {
            scores[b][i] = exp2f(fmaf(scores[b][i], to_exponent, -base));
            row_sum += scores[b][i];
          }
        sum[r] = fmaf(sum[r], shrink, row_sum);
#pragma unroll
        for (int c = 0; c < d / 8; ++c) out[c][2 * r] *= shrink, out[c][2 * r + 1] *= shrink;
      }

#pragma unroll
      for (int b = 0; b < tensor_keys / 16; ++b) {
        if (b >= blocks) continue;
        const unsigned p[4] = {pair<T>(scores[2 * b][0], scores[2 * b][1]), pair<T>(scores[2 * b][2], scores[2 * b][3]),
                               pair<T>(scores[2 * b + 1][0], scores[2 * b + 1][1]),
                               pair<T>(scores[2 * b + 1][2], scores[2 * b + 1][3])};
#pragma unroll
        for (int c = 0; c < d / 16; ++c) {
          unsigned r[4];
          ldmatrix_x4_trans(r, tile_values + (b * 16 + lane % 16) * stride + c * 16 + lane / 16 * 8);
          mma_16x8x16<T>(out[2 * c], p, {r[0], r[1]});
          mma_16x8x16<T>(out[2 * c + 1], p, {r[2], r[3]});
        }
      }
    }
    __syncthreads();  // the tile may be overwritten
  }
  if (idle) return;

#pragma unroll
  for (int r = 0; r < 2; ++r) {
    sum[r] += __shfl_xor_sync(all_lanes, sum[r], 1);
    sum[r] += __shfl_xor_sync(all_lanes, sum[r], 2);
    const int row = first_row + group + 8 * r;
    if (row >= size) continue;
    const float inverse = 1.0f / sum[r];
    T* y = args.y + (segment.begin + row) * args.y_stride + head * d + place * 2;
#pragma unroll
    for (int c = 0; c < d / 8; ++c)
      *reinterpret_cast<unsigned*>(y + c * 8) = pair<T>(out[c][2 * r] * inverse, out[c][2 * r + 1] * inverse);
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
void attention_tensor(const AttentionArgs<T>& a, const Sight& sight, cudaStream_t stream) {
  const auto run = [&]<int d>() {
    launch(attention_tensor_kernel<T, d, Sight>,
           dim3(static_cast<unsigned>(a.tile_count), static_cast<unsigned>(a.heads)), dim3(tensor_warps * 32),
           tensor_shared_bytes<d>, stream, a, sight);
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
