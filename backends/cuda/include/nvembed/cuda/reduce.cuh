#pragma once

#include <cuda_runtime.h>

namespace nvembed::cuda {

inline constexpr unsigned all_lanes = 0xffffffffu;
inline constexpr int most_warps = 32;

struct Sum {
  __device__ static float join(float a, float b) { return a + b; }
  __device__ static float none() { return 0.0f; }
};
struct Maximum {
  __device__ static float join(float a, float b) { return fmaxf(a, b); }
  __device__ static float none() { return -3.402823466e38f; }
};

/// The lanes' values joined, in all lanes; in a fixed order.
template <class Op>
__device__ __forceinline__ float reduce_warp(float x) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) x = Op::join(x, __shfl_xor_sync(all_lanes, x, distance));
  return x;
}

/// The threads' values joined, in all threads, in an order that hangs on the block's size alone. Blocks are whole warps
/// in one dimension; all threads take part.
template <class Op>
__device__ __forceinline__ float reduce_block(float x) {
  __shared__ float of_warp[most_warps];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  x = reduce_warp<Op>(x);
  if (warps == 1) return x;
  __syncthreads();  // those of the reduction before have been read
  if (lane == 0) of_warp[warp] = x;
  __syncthreads();
  return reduce_warp<Op>(lane < warps ? of_warp[lane] : Op::none());
}

/// Threads for a row of `cols` elements of which each thread takes about `each`: whole warps, by the width alone.
inline unsigned threads_for(long long cols, int each) {
  unsigned threads = 32;
  while (threads < 256 && static_cast<long long>(threads) * each < cols) threads *= 2;
  return threads;
}

}  // namespace nvembed::cuda
