// The emulator itself: that it computes what a device would, and that it finds what is wrong in a kernel or in the use
// of streams and memory.
#include <cublasLt.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cuda_emulator/emulator.hpp>
#include <nvembed/cuda/ptx.cuh>
#include <string>
#include <vector>

namespace {

using nvembed::Float16;

struct Stream {
  cudaStream_t at = nullptr;
  Stream() { REQUIRE(cudaStreamCreateWithFlags(&at, cudaStreamNonBlocking) == cudaSuccess); }
  ~Stream() { cudaStreamDestroy(at); }
};

template <class T>
struct Buffer {
  T* at = nullptr;
  explicit Buffer(std::size_t n) { REQUIRE(cudaMalloc(reinterpret_cast<void**>(&at), n * sizeof(T)) == cudaSuccess); }
  ~Buffer() { cudaFree(at); }
  std::vector<T> values(std::size_t n) const {
    std::vector<T> v(n);
    REQUIRE(cudaMemcpy(v.data(), at, n * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return v;
  }
};

template <class... P, class... A>
cudaError_t run(void (*kernel)(P...), unsigned threads, std::size_t shared, cudaStream_t stream, A... arguments) {
  cudaLaunchConfig_t c{};
  c.gridDim = dim3(1), c.blockDim = dim3(threads), c.dynamicSmemBytes = shared, c.stream = stream;
  return cudaLaunchKernelEx(&c, kernel, arguments...);
}

/// After an error of a kernel: the device goes on.
void forgive() { emulator::reset(); }

__global__ void sum_of_block(const int* x, int* y) {
  __shared__ int of_warp[32];
  int v = x[threadIdx.x];
  for (int d = 16; d > 0; d /= 2) v += __shfl_xor_sync(0xffffffffu, v, d);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0) {
    int sum = 0;
    for (unsigned w = 0; w < blockDim.x / 32; ++w) sum += of_warp[w];
    *y = sum;
  }
}

__global__ void neighbours(int* y) {
  int* shared = reinterpret_cast<int*>(nvembed::cuda::shared_memory());
  shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  // a __syncthreads is missing here
  y[threadIdx.x] = shared[(threadIdx.x + 1) % blockDim.x];
}

__global__ void waits_alone() {
  if (threadIdx.x < 16)
    __shfl_sync(0xffffffffu, 1, 0);
  else
    __syncthreads();
}

__global__ void after_the_end() {
  if (threadIdx.x == 3) return;
  __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void copies(const float4* x, float* y, bool waits) {
  auto* shared = reinterpret_cast<float*>(nvembed::cuda::shared_memory());
  nvembed::cuda::copy_async_16(shared, x, true);
  nvembed::cuda::copy_async_16(shared + 4, nullptr, false);
  nvembed::cuda::commit_async();
  if (waits) nvembed::cuda::wait_async<0>();
  for (int i = 0; i < 8; ++i) y[i] = shared[i];
}

/// c (16, 8) += a (16, 16) b (16, 8); a and b through ldmatrix from shared memory, b stored by columns (8, 16).
__global__ void product(const Float16* a, const Float16* b, float* c) {
  auto* left = reinterpret_cast<Float16*>(nvembed::cuda::shared_memory());
  auto* right = left + 256;
  for (int i = static_cast<int>(threadIdx.x); i < 256; i += 32) left[i] = a[i];
  for (int i = static_cast<int>(threadIdx.x); i < 256; i += 32) right[i] = i < 128 ? b[i] : Float16(0.0f);
  __syncthreads();
  const int lane = static_cast<int>(threadIdx.x);
  unsigned x[4], y[4];
  nvembed::cuda::ldmatrix_x4(x, left + lane % 16 * 16 + lane / 16 * 8);
  nvembed::cuda::ldmatrix_x4(y, right + (lane % 8 + lane / 16 * 8) * 16 + lane / 8 % 2 * 8);
  float d[4] = {};
  nvembed::cuda::mma_16x8x16<Float16>(d, x, {y[0], y[1]});
  for (int i = 0; i < 4; ++i) c[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = d[i];
}

__global__ void fill(float* x, int n, float value) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] = value;
}

}  // namespace

TEST_CASE("emulator: threads of a block, shuffles, barriers and shared memory") {
  const Stream s;
  const Buffer<int> x(128), y(1);
  std::vector<int> values(128);
  for (int i = 0; i < 128; ++i) values[static_cast<std::size_t>(i)] = i * i;
  cudaMemcpy(x.at, values.data(), 512, cudaMemcpyHostToDevice);
  for (const auto schedule :
       {emulator::Schedule::forward, emulator::Schedule::backward, emulator::Schedule::shuffled}) {
    emulator::set_schedule(schedule, 7);
    REQUIRE(run(sum_of_block, 128, 0, s.at, static_cast<const int*>(x.at), y.at) == cudaSuccess);
    CHECK(y.values(1)[0] == 127 * 128 * 255 / 6);
  }
  emulator::set_schedule(emulator::Schedule::forward);
}

TEST_CASE("emulator: a missing barrier shows in another order of threads") {
  const Stream s;
  const Buffer<int> y(64);
  const auto result = [&](emulator::Schedule schedule) {
    emulator::set_schedule(schedule, 1);
    REQUIRE(run(neighbours, 64, 64 * sizeof(int), s.at, y.at) == cudaSuccess);
    return y.values(64);
  };
  CHECK(result(emulator::Schedule::forward) != result(emulator::Schedule::backward));
  emulator::set_schedule(emulator::Schedule::forward);
}

TEST_CASE("emulator: threads that wait for ever and lanes that have ended are errors") {
  const Stream s;
  run(waits_alone, 32, 0, s.at);
  CHECK(cudaStreamSynchronize(s.at) == cudaErrorLaunchFailure);
  CHECK(std::string(cudaGetErrorString(cudaErrorLaunchFailure)).find("never come") != std::string::npos);
  forgive();
  run(after_the_end, 32, 0, s.at);
  CHECK(cudaStreamSynchronize(s.at) == cudaErrorLaunchFailure);
  forgive();
  CHECK(run(waits_alone, 2048, 0, s.at) == cudaErrorInvalidValue);
  CHECK(run(waits_alone, 32, 64 << 10, s.at) == cudaErrorInvalidValue);  // shared memory that was not asked for
  cudaGetLastError();
}

TEST_CASE("emulator: an asynchronous copy is there after the wait, not before") {
  const Stream s;
  const Buffer<float4> x(1);
  const Buffer<float> y(8);
  const float values[4] = {1, 2, 3, 4};
  cudaMemcpy(x.at, values, 16, cudaMemcpyHostToDevice);
  run(copies, 1, 32, s.at, static_cast<const float4*>(x.at), y.at, true);
  CHECK(y.values(8) == std::vector<float>{1, 2, 3, 4, 0, 0, 0, 0});
  run(copies, 1, 32, s.at, static_cast<const float4*>(x.at), y.at, false);
  for (const float v : y.values(8)) CHECK(std::isnan(v));
}

TEST_CASE("emulator: fragments of mma and ldmatrix lie as PTX has it") {
  const Stream s;
  std::vector<Float16> a, b;
  for (int i = 0; i < 256; ++i) a.push_back(Float16(static_cast<float>(i * 7 % 23 - 11)));
  for (int i = 0; i < 128; ++i) b.push_back(Float16(static_cast<float>(i * 5 % 19 - 9)));
  const Buffer<Float16> x(256), y(128);
  const Buffer<float> c(128);
  cudaMemcpy(x.at, a.data(), 512, cudaMemcpyHostToDevice);
  cudaMemcpy(y.at, b.data(), 256, cudaMemcpyHostToDevice);
  run(product, 32, 1024, s.at, static_cast<const Float16*>(x.at), static_cast<const Float16*>(y.at), c.at);
  const auto result = c.values(128);
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 8; ++j) {
      float sum = 0;
      for (std::size_t k = 0; k < 16; ++k) sum += static_cast<float>(a[i * 16 + k]) * static_cast<float>(b[j * 16 + k]);
      CHECK(result[i * 8 + j] == sum);
    }
}

TEST_CASE("emulator: streams are lazy, and memory of another stream wants waiting for") {
  const Stream one, two;
  cudaMemPool_t pool = nullptr;
  const cudaMemPoolProps properties{};
  REQUIRE(cudaMemPoolCreate(&pool, &properties) == cudaSuccess);
  void* p = nullptr;
  REQUIRE(cudaMallocFromPoolAsync(&p, 16, pool, one.at) == cudaSuccess);
  auto* x = static_cast<float*>(p);
  run(fill, 4, 0, one.at, x, 4, 3.0f);
  CHECK(std::isnan(x[0]));  // not done yet
  void* host = nullptr;
  REQUIRE(cudaMallocHost(&host, 16) == cudaSuccess);
  REQUIRE(cudaMallocFromPoolAsync(&p, 16, pool, one.at) == cudaSuccess);  // behind the kernel
  CHECK(cudaMemcpyAsync(host, p, 16, cudaMemcpyDeviceToHost, two.at) == cudaErrorInvalidValue);
  forgive();
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  cudaEventRecord(event, one.at);
  cudaStreamWaitEvent(two.at, event);
  CHECK(cudaMemcpyAsync(host, x, 16, cudaMemcpyDeviceToHost, two.at) == cudaSuccess);
  CHECK(cudaStreamSynchronize(two.at) == cudaSuccess);
  CHECK(static_cast<float*>(host)[3] == 3.0f);
  CHECK(cudaMemcpyAsync(host, x + 2, 16, cudaMemcpyDeviceToHost, one.at) == cudaErrorInvalidValue);  // reaches beyond
  forgive();
  CHECK(cudaFreeAsync(p, one.at) == cudaSuccess);
  CHECK(cudaFreeAsync(x, one.at) == cudaSuccess);
  CHECK(cudaStreamSynchronize(one.at) == cudaSuccess);
  CHECK(cudaFreeAsync(x, one.at) == cudaErrorInvalidValue);
  forgive();
  cudaFreeHost(host);
  cudaEventDestroy(event);
  cudaMemPoolDestroy(pool);
}

TEST_CASE("emulator: a graph does again what was captured, and nothing waits while capturing") {
  const Stream s;
  const Buffer<float> x(4);
  REQUIRE(cudaStreamBeginCapture(s.at, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  run(fill, 4, 0, s.at, x.at, 4, 5.0f);
  CHECK(cudaStreamSynchronize(s.at) == cudaErrorStreamCaptureUnsupported);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamEndCapture(s.at, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&exec, graph) == cudaSuccess);
  CHECK(std::isnan(x.values(4)[0]));
  REQUIRE(cudaGraphLaunch(exec, s.at) == cudaSuccess);
  CHECK(x.values(4)[3] == 5.0f);
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  cudaGetLastError();
}
