#pragma once

#include <cuda_runtime.h>

#include <nvembed/core/error.hpp>
#include <nvembed/core/segment.hpp>
#include <nvembed/cuda/attention_args.hpp>
#include <nvembed/cuda/launch.cuh>
#include <nvembed/cuda/ptx.cuh>
#include <nvembed/cuda/reduce.cuh>
#include <nvembed/cuda/scalar.cuh>
#include <nvembed/cuda/sight.cuh>

/// Attention in f32 throughout, for any head size up to 256: a block has half a tile, 64 queries of one head, sixteen
/// warps of four rows. In the scores a lane has a key, in the sums it has columns; 32 keys at a time pass through
/// shared memory.
namespace nvembed::cuda::detail {

inline constexpr int general_warps = 16, general_rows = 4, general_keys = 32, most_head_dim = 256;
inline constexpr int general_block_rows = general_warps * general_rows;
static_assert(attention_tile_rows % general_block_rows == 0 && general_rows == 4);

/// Columns of a row in shared memory, filled up with zeros to whole float4.
NVEMBED_HD constexpr int general_width(int head_dim) { return (head_dim + 3) / 4 * 4; }
/// Floats from one row to the next: an odd number of float4, so that lanes that read neighbouring rows meet different
/// banks.
NVEMBED_HD constexpr int general_stride(int head_dim) {
  const int quads = general_width(head_dim) / 4;
  return 4 * (quads % 2 ? quads : quads + 1);
}
inline constexpr std::size_t general_shared_bytes(int head_dim) {
  return sizeof(float) * (static_cast<std::size_t>(general_stride(head_dim)) * (general_block_rows + 2 * general_keys) +
                          static_cast<std::size_t>(general_block_rows) * general_keys);
}

template <class T>
__device__ __forceinline__ void widen_rows(float* shared, int stride, int width, const T* rows, Index from_stride,
                                           int first, int count, int size, int head_dim) {
  for (int c = static_cast<int>(threadIdx.x); c < count * width; c += general_warps * 32) {
    const int row = c / width, column = c % width;
    const bool valid = first + row < size && column < head_dim;
    shared[row * stride + column] = valid ? to_float(rows[(first + row) * from_stride + column]) : 0.0f;
  }
}

/// `slots`: columns that a lane sums, head_dim / 32 rounded up.
template <class T, int slots, class Sight>
__global__ void __launch_bounds__(general_warps * 32, 1)
    attention_general_kernel(const AttentionArgs<T> args, const Sight sight) {
  const AttentionTile tile = args.tiles[blockIdx.x];
  const Segment segment = args.segments[tile.segment];
  const int size = static_cast<int>(segment.size), head = static_cast<int>(blockIdx.y), d = args.head_dim;
  const int kv_head = head / (args.heads / args.kv_heads);
  const int width = general_width(d), stride = general_stride(d);
  const int first = tile.first + static_cast<int>(blockIdx.z) * general_block_rows;
  if (first >= size) return;
  float* const queries = reinterpret_cast<float*>(shared_memory());
  float* const keys = queries + general_block_rows * stride;
  float* const values = keys + general_keys * stride;
  float4* const all_weights =
      reinterpret_cast<float4*>(values + general_keys * stride);  // of a warp's rows, a key each
  const T* k = args.k + segment.begin * args.k_stride + kv_head * d;
  const T* v = args.v + segment.begin * args.v_stride + kv_head * d;
  widen_rows(queries, stride, width, args.q + segment.begin * args.q_stride + head * d, args.q_stride, first,
             general_block_rows, size, d);

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int first_row = first + warp * general_rows;
  const float* own = queries + warp * general_rows * stride;
  float4* const weights = all_weights + warp * general_keys;
  const float none = -__uint_as_float(0x7f800000u);
  int2 seen[general_rows];
  float out[general_rows][slots] = {}, top[general_rows], sum[general_rows];
#pragma unroll
  for (int r = 0; r < general_rows; ++r) {
    seen[r] = first_row + r < size ? sight.range(args.ranges, segment, first_row + r) : make_int2(0, 0);
    top[r] = none, sum[r] = 0;
  }

  for (int at = tile.key_begin / general_keys * general_keys; at < tile.key_end; at += general_keys) {
    __syncthreads();  // the keys before have been read
    widen_rows(keys, stride, width, k, args.k_stride, at, general_keys, size, d);
    widen_rows(values, stride, width, v, args.v_stride, at, general_keys, size, d);
    __syncthreads();
    if (first_row >= size) continue;  // a warp of absent rows only helps to fetch
    float score[general_rows] = {};
    const float* key = keys + lane * stride;
    for (int c = 0; c < width; c += 4) {
      const float4 x = *reinterpret_cast<const float4*>(key + c);
#pragma unroll
      for (int r = 0; r < general_rows; ++r) {
        const float4 y = *reinterpret_cast<const float4*>(own + r * stride + c);
        score[r] = fmaf(x.x, y.x, fmaf(x.y, y.y, fmaf(x.z, y.z, fmaf(x.w, y.w, score[r]))));
      }
    }
    float weight[general_rows];
#pragma unroll
    for (int r = 0; r < general_rows; ++r) {
      const int position = at + lane;
      bool sees = position >= seen[r].x && position < seen[r].y;
      if constexpr (Sight::by_element) sees = sees && sight.allows(first_row + r, position, segment);
      const float s = sees ? score[r] * args.scale : none;
      const float most = fmaxf(top[r], reduce_warp<Maximum>(s));
      const float base = most == none ? 0.0f : most;
      const float shrink = expf(top[r] - base);
      weight[r] = expf(s - base);
      sum[r] = fmaf(sum[r], shrink, reduce_warp<Sum>(weight[r]));
      top[r] = most;
#pragma unroll
      for (int c = 0; c < slots; ++c) out[r][c] *= shrink;
    }
    __syncwarp();  // the weights before have been read
    weights[lane] = make_float4(weight[0], weight[1], weight[2], weight[3]);
    __syncwarp();
    for (int j = 0; j < general_keys; ++j) {
      const float4 p = weights[j];
#pragma unroll
      for (int c = 0; c < slots; ++c) {
        const int column = c * 32 + lane;
        const float value = column < width ? values[j * stride + column] : 0.0f;
        out[0][c] = fmaf(p.x, value, out[0][c]);
        out[1][c] = fmaf(p.y, value, out[1][c]);
        out[2][c] = fmaf(p.z, value, out[2][c]);
        out[3][c] = fmaf(p.w, value, out[3][c]);
      }
    }
  }

#pragma unroll
  for (int r = 0; r < general_rows; ++r) {
    const int row = first_row + r;
    if (row >= size) continue;
    T* y = args.y + (segment.begin + row) * args.y_stride + head * d;
#pragma unroll
    for (int c = 0; c < slots; ++c)
      if (c * 32 + lane < d) y[c * 32 + lane] = from_float<T>(out[r][c] / sum[r]);
    if (args.lse && lane == 0) args.lse[(segment.begin + row) * args.heads + head] = top[r] + logf(sum[r]);
  }
}

template <class T, class Sight>
void attention_general(const AttentionArgs<T>& a, const Sight& sight, Queue& queue) {
  require<DeviceError>(a.head_dim <= most_head_dim, "attention", "heads of ", a.head_dim,
                       " are wider than the CUDA back end has a kernel for, at most ", most_head_dim,
                       "; a back end for the CPU takes any");
  const auto run = [&]<int slots>() {
    launch(attention_general_kernel<T, slots, Sight>,
           dim3(static_cast<unsigned>(a.tile_count), static_cast<unsigned>(a.heads),
                static_cast<unsigned>(attention_tile_rows / general_block_rows)),
           dim3(general_warps * 32), general_shared_bytes(a.head_dim), queue, a, sight);
  };
  if (a.head_dim <= 64) return run.template operator()<2>();
  if (a.head_dim <= 128) return run.template operator()<4>();
  run.template operator()<8>();
}

}  // namespace nvembed::cuda::detail
