#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cmath>
#include <nvembed/cuda/ptx.cuh>
#include <string>
#include <vector>

#include "emulator.hpp"
#include "fibers.hpp"
#include "fixture.hpp"

using emulator::Schedule;
using nvembed::BFloat16;
using nvembed::Float16;

namespace {

constexpr unsigned full = 0xffffffffu;

/// Runs a kernel on a fresh copy of `data` and gives what it left there.
template <class T, class... Args>
std::vector<T> run(void (*kernel)(T*, Args...), dim3 grid, dim3 block, std::size_t shared, std::vector<T> data,
                   std::type_identity_t<Args>... args) {
  const DeviceBuffer<T> buffer(data);
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared;
  REQUIRE(cudaLaunchKernelEx(&config, kernel, buffer.get(), args...) == cudaSuccess);
  return buffer.read();
}

template <class... Args>
std::string error_of(void (*kernel)(Args...), dim3 block, std::type_identity_t<Args>... args) {
  cudaLaunchConfig_t config{};
  config.blockDim = block;
  REQUIRE(cudaLaunchKernelEx(&config, kernel, args...) == cudaSuccess);
  try {
    cudaDeviceSynchronize();
  } catch (const emulator::Error& e) {
    return e.what();
  }
  return "";
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

template <class T>
unsigned pair(float lower, float upper) {
  return T(lower).bits | static_cast<unsigned>(T(upper).bits) << 16;
}

float a_at(unsigned i, unsigned k) { return static_cast<float>(static_cast<int>(i * 7 + k * 3) % 11 - 5); }
float b_at(unsigned k, unsigned j) { return static_cast<float>(static_cast<int>(k * 5 + j * 2) % 13 - 6); }

/// d (16, 8) = 1 + A B, the fragments laid out by hand as the PTX manual draws them.
template <class T>
__global__ void mma_kernel(float* d) {
  const unsigned lane = threadIdx.x, g = lane / 4, t = lane % 4;
  const unsigned a[4] = {
      pair<T>(a_at(g, 2 * t), a_at(g, 2 * t + 1)), pair<T>(a_at(g + 8, 2 * t), a_at(g + 8, 2 * t + 1)),
      pair<T>(a_at(g, 2 * t + 8), a_at(g, 2 * t + 9)), pair<T>(a_at(g + 8, 2 * t + 8), a_at(g + 8, 2 * t + 9))};
  const unsigned b[2] = {pair<T>(b_at(2 * t, g), b_at(2 * t + 1, g)), pair<T>(b_at(2 * t + 8, g), b_at(2 * t + 9, g))};
  float c[4] = {1, 1, 1, 1};
  nvembed::cuda::mma_16x8x16<T>(c, a, b);
  d[g * 8 + 2 * t] = c[0];
  d[g * 8 + 2 * t + 1] = c[1];
  d[(g + 8) * 8 + 2 * t] = c[2];
  d[(g + 8) * 8 + 2 * t + 1] = c[3];
}

/// out[lane][i]: what ldmatrix gives register i of a lane; element (row, column) of matrix m is 256 m + 16 row +
/// column.
template <bool trans>
__global__ void ldmatrix_kernel(unsigned* out) {
  auto* s = reinterpret_cast<std::uint16_t*>(nvembed::cuda::shared_memory());
  for (unsigned i = threadIdx.x; i < 256; i += 32)
    s[i] = static_cast<std::uint16_t>(256 * (i / 64) + 16 * (i / 8 % 8) + i % 8);
  __syncthreads();
  unsigned r[4];
  if constexpr (trans)
    nvembed::cuda::ldmatrix_x4_trans(r, s + threadIdx.x * 8);
  else
    nvembed::cuda::ldmatrix_x4(r, s + threadIdx.x * 8);
  for (int i = 0; i < 4; ++i) out[threadIdx.x * 4 + i] = r[i];
}

__global__ void ldmatrix_askew(int) {
  __shared__ __align__(16) std::uint16_t s[264];
  unsigned r[4];
  nvembed::cuda::ldmatrix_x4(r, s + threadIdx.x * 8 + 1);
}

__global__ void shuffle_kernel(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = __shfl_sync(full, lane, 5);
  out[32 + lane] = __shfl_xor_sync(full, lane, 3);
  out[64 + lane] = __shfl_down_sync(full, lane, 4);
  out[96 + lane] = __shfl_up_sync(full, lane, 4);
  out[128 + lane] = __shfl_sync(full, lane, 1, 8);
  out[160 + lane] = __shfl_down_sync(full, lane, 2, 8);
  out[192 + lane] = static_cast<int>(__ballot_sync(full, lane % 2) == 0xAAAAAAAAu) + 2 * __any_sync(full, lane == 9) +
                    4 * __all_sync(full, lane == 9) + 8 * __all_sync(full, 1);
  if (lane < 16) out[224 + lane] = __shfl_xor_sync(0xFFFFu, lane, 1);
  if (lane >= 16) out[224 + lane] = static_cast<int>(__shfl_sync(0xFFFF0000u, 1000000000ll * lane, 20) / 1000000000ll);
}

/// Block sums in shared memory, right only because of the barriers.
__global__ void tree_sum(float* x) {
  auto* s = reinterpret_cast<float*>(nvembed::cuda::shared_memory());
  s[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) s[threadIdx.x] += s[threadIdx.x + half];
    __syncthreads();
  }
  x[blockIdx.x * blockDim.x + threadIdx.x] = s[0];
}

/// The same mistake that a forgotten barrier is.
__global__ void race(float* x) {
  auto* s = reinterpret_cast<float*>(nvembed::cuda::shared_memory());
  s[threadIdx.x] = static_cast<float>(threadIdx.x);
  x[threadIdx.x] = s[(threadIdx.x + 1) % blockDim.x];
}

__global__ void order_of(unsigned* x) { x[atomicAdd(x, 1u) + 1] = blockIdx.x * blockDim.x + threadIdx.x; }

template <bool waits>
__global__ void async_copies(float* x) {
  auto* s = reinterpret_cast<float*>(nvembed::cuda::shared_memory());
  nvembed::cuda::copy_async_16(s + threadIdx.x * 4, x + threadIdx.x * 4, true);
  nvembed::cuda::commit_async();
  nvembed::cuda::copy_async_16(s + 128 + threadIdx.x * 4, nullptr, false);
  nvembed::cuda::commit_async();
  nvembed::cuda::wait_async<1>();
  const float second = s[128 + threadIdx.x * 4];
  if (waits) nvembed::cuda::wait_async<0>();
  __syncthreads();
  for (int i = 0; i < 4; ++i) x[threadIdx.x * 4 + i] = s[threadIdx.x * 4 + i] + s[128 + threadIdx.x * 4 + i];
  x[128 + threadIdx.x] = second;
}

__global__ void async_askew(float*) {
  auto* s = nvembed::cuda::shared_memory();
  nvembed::cuda::copy_async_16(s + 4, s, true);
}

__global__ void exits_early(int* x) {  // allowed: who has ended blocks no barrier
  if (threadIdx.x >= 40) return;
  x[threadIdx.x] = 1;
  __syncthreads();
  __syncwarp();
  if (threadIdx.x == 0)
    for (int i = 1; i < 40; ++i) x[0] += x[i];
}

__global__ void lane_missing(int) {
  if (threadIdx.x != 7) __shfl_sync(full, 1, 0);
}
__global__ void waits_apart(int) {
  if (threadIdx.x < 5)
    __syncthreads();
  else
    __syncwarp();
}
__global__ void two_operations(int) {
  if (threadIdx.x < 5)
    __ballot_sync(full, 1);
  else
    __shfl_sync(full, 1, 0);
}
__global__ void outside_of_mask(int) { __shfl_sync(0x3u, 1, 7); }
#ifndef CUDA_EMULATOR_ASAN  // which ends the program there
__global__ void overruns(int) { nvembed::cuda::shared_memory()[16] = std::byte{1}; }
#endif
__global__ void nothing(int) {}
__global__ void places(int* x) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  ++x[block * blockDim.x * blockDim.y * blockDim.z + thread];
}

}  // namespace

TEST_CASE("mma computes A B from the fragments that PTX documents") {
  const Fresh fresh;
  for (void (*kernel)(float*) : {mma_kernel<Float16>, mma_kernel<BFloat16>}) {
    const auto d = run(kernel, 1, 32, 0, std::vector<float>(128));
    for (unsigned i = 0; i < 16; ++i)
      for (unsigned j = 0; j < 8; ++j) {
        float expected = 1;
        for (unsigned k = 0; k < 16; ++k) expected += a_at(i, k) * b_at(k, j);
        CHECK(d[i * 8 + j] == expected);
      }
  }
}

TEST_CASE("ldmatrix hands out four matrices, as they are and transposed") {
  const Fresh fresh;
  const auto plain = run(ldmatrix_kernel<false>, 1, 32, 512, std::vector<unsigned>(128));
  const auto trans = run(ldmatrix_kernel<true>, 1, 32, 512, std::vector<unsigned>(128));
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      const auto element = [i](unsigned row, unsigned column) { return 256 * i + 16 * row + column; };
      const unsigned r = lane / 4, c = 2 * (lane % 4);
      CHECK(plain[lane * 4 + i] == (element(r, c) | element(r, c + 1) << 16));
      CHECK(trans[lane * 4 + i] == (element(c, r) | element(c + 1, r) << 16));
    }
  CHECK(has(error_of(ldmatrix_askew, 32, 0), "16-byte aligned"));
}

TEST_CASE("shuffles and votes, in every schedule") {
  for (const Schedule schedule : {Schedule::forward, Schedule::backward, Schedule::shuffled}) {
    const Fresh fresh;
    emulator::set_schedule(schedule, 3);
    const auto out = run(shuffle_kernel, 1, 32, 0, std::vector<int>(256, -1));
    for (int lane = 0; lane < 32; ++lane) {
      const auto at = [&](int part) { return out[static_cast<std::size_t>(part * 32 + lane)]; };
      CHECK(at(0) == 5);
      CHECK(at(1) == (lane ^ 3));
      CHECK(at(2) == (lane + 4 < 32 ? lane + 4 : lane));
      CHECK(at(3) == (lane >= 4 ? lane - 4 : lane));
      CHECK(at(4) == lane / 8 * 8 + 1);
      CHECK(at(5) == (lane % 8 < 6 ? lane + 2 : lane));
      CHECK(at(6) == 1 + 2 + 8);
      CHECK(at(7) == (lane < 16 ? (lane ^ 1) : 20));
    }
  }
}

TEST_CASE("a kernel with its barriers gives the same in every schedule; a planted race does not") {
  std::vector<float> x(4 * 256);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17);
  std::vector<std::vector<float>> sums, races;
  for (const Schedule schedule : {Schedule::forward, Schedule::backward, Schedule::shuffled}) {
    const Fresh fresh;
    emulator::set_schedule(schedule, 1);
    sums.push_back(run(tree_sum, 4, 256, 1024, x));
    races.push_back(run(race, 1, 64, 256, std::vector<float>(64)));
  }
  float first = 0;
  for (std::size_t i = 0; i < 256; ++i) first += x[i];
  CHECK(sums[0][0] == first);
  CHECK(sums[0] == sums[1]);
  CHECK(sums[0] == sums[2]);
  CHECK(std::isnan(races[0][0]));  // shared memory that nothing was written to
  CHECK(races[1][0] == 1);
  CHECK_FALSE(std::isnan(races[0][63]));
}

TEST_CASE("schedules order threads and blocks") {
  std::vector<std::vector<unsigned>> orders;
  for (const std::uint64_t seed : {1, 1, 2}) {
    const Fresh fresh;
    emulator::set_schedule(Schedule::shuffled, seed);
    orders.push_back(run(order_of, 3, 40, 0, std::vector<unsigned>(121)));
  }
  CHECK(orders[0] == orders[1]);
  CHECK(orders[0] != orders[2]);
  const Fresh fresh;
  emulator::set_schedule(Schedule::backward);
  const auto backward = run(order_of, 3, 40, 0, std::vector<unsigned>(121));
  for (unsigned i = 0; i < 120; ++i) CHECK(backward[i + 1] == 119 - i);
}

TEST_CASE("every thread of every block runs once, also in three dimensions") {
  const Fresh fresh;
  CHECK(run(places, dim3(3, 2, 2), dim3(4, 3, 2), 0, std::vector<int>(288)) == std::vector<int>(288, 1));
  CHECK(run(exits_early, 1, 64, 0, std::vector<int>(64))[0] == 40);
}

TEST_CASE("asynchronous copies arrive when they are waited for") {
  const Fresh fresh;
  std::vector<float> x(160);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const auto right = run(async_copies<true>, 1, 32, 1024, x);
  for (std::size_t i = 0; i < 128; ++i) CHECK(right[i] == x[i]);
  const auto wrong = run(async_copies<false>, 1, 32, 1024, x);
  CHECK(std::isnan(wrong[0]));
  CHECK(std::isnan(right[128]));  // the second group, before its wait
  DeviceBuffer<float> buffer(x);
  cudaLaunchConfig_t config{};
  config.dynamicSmemBytes = 64;
  REQUIRE(cudaLaunchKernelEx(&config, async_askew, buffer.get()) == cudaSuccess);
  CHECK_THROWS_WITH_AS(cudaDeviceSynchronize(), doctest::Contains("aligned"), emulator::Error);
}

TEST_CASE("what is undefined on a device is told, with the kernel's name") {
  const Fresh fresh;
  for (const Schedule schedule : {Schedule::forward, Schedule::backward, Schedule::shuffled}) {
    emulator::set_schedule(schedule, 5);
    const std::string missing = error_of(lane_missing, 32, 0);
    CHECK(has(missing, "lane_missing <<<(1, 1, 1), (32, 1, 1), 0>>>"));
    CHECK(has(missing, "divergence"));
    CHECK(has(error_of(waits_apart, 32, 0), "deadlock: of 32 threads 5 wait at __syncthreads"));
    CHECK(has(error_of(two_operations, 32, 0), "different operations"));
    CHECK(has(error_of(outside_of_mask, 2, 0), "its mask leaves out"));
    CHECK(has(error_of(outside_of_mask, 1, 0), "have ended or are not there"));
    CHECK(error_of(nothing, 1024, 0).empty());
  }
#ifndef CUDA_EMULATOR_ASAN
  cudaLaunchConfig_t config{};
  config.dynamicSmemBytes = 16;
  REQUIRE(cudaLaunchKernelEx(&config, overruns, 0) == cudaSuccess);
  CHECK_THROWS_WITH_AS(cudaDeviceSynchronize(), doctest::Contains("past its dynamic shared memory"), emulator::Error);
#endif
}

TEST_CASE("launches that a device refuses") {
  const Fresh fresh;
  const auto launch = [](dim3 grid, dim3 block, std::size_t shared) {
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    return cudaLaunchKernelEx(&config, nothing, 0);
  };
  CHECK(launch(1, 1025, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(0, 32, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(dim3(1, 65536), 32, 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, dim3(1, 1, 65), 0) == cudaErrorInvalidConfiguration);
  CHECK(launch(1, 32, 48 << 10) == cudaSuccess);
  CHECK(launch(1, 32, (48 << 10) + 1) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 100 << 10) == cudaSuccess);
  CHECK(launch(1, 32, 100 << 10) == cudaSuccess);
  CHECK(cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, (227 << 10) + 1) ==
        cudaErrorInvalidValue);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("16-bit conversions are those of the library") {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto b = static_cast<std::uint16_t>(bits);
    const float h = __half2float(__ushort_as_half(b)), f = __bfloat162float(__ushort_as_bfloat16(b));
    const auto half = static_cast<float>(Float16::from_bits(b)), bfloat = static_cast<float>(BFloat16::from_bits(b));
    const bool same =
        (std::isnan(h) ? std::isnan(half) : h == half) && (std::isnan(f) ? std::isnan(bfloat) : f == bfloat);
    REQUIRE(same);
    for (const float near : {h, h * 1.0003f, h * 0.99951171875f, f, f * 1.002f, f * 0.998046875f}) {
      if (std::isnan(near)) continue;
      REQUIRE(__half_as_ushort(__float2half_rn(near)) == Float16(near).bits);
      REQUIRE(__bfloat16_as_ushort(__float2bfloat16_rn(near)) == BFloat16(near).bits);
    }
  }
}
