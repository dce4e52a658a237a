#include <cuda_runtime.h>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "emulator.hpp"
#include "fixture.hpp"

using emulator::Error;

namespace {

__global__ void add_one(float* x, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] += 1;
}

cudaError_t launch_add(cudaStream_t stream, float* x, int n) {
  cudaLaunchConfig_t config{};
  config.gridDim = static_cast<unsigned>((n + 31) / 32);
  config.blockDim = 32;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, add_one, x, n);
}

struct Stream {
  cudaStream_t handle = nullptr;
  explicit Stream(unsigned flags = cudaStreamNonBlocking) {
    REQUIRE(cudaStreamCreateWithFlags(&handle, flags) == cudaSuccess);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { CHECK(cudaStreamDestroy(handle) == cudaSuccess); }
  operator cudaStream_t() const { return handle; }
};

struct Event {
  cudaEvent_t handle = nullptr;
  Event() { REQUIRE(cudaEventCreateWithFlags(&handle, cudaEventDefault) == cudaSuccess); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { CHECK(cudaEventDestroy(handle) == cudaSuccess); }
  operator cudaEvent_t() const { return handle; }
};

struct Pinned {
  float* data = nullptr;
  explicit Pinned(std::size_t n) { REQUIRE(cudaMallocHost(&data, n * sizeof(float)) == cudaSuccess); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { CHECK(cudaFreeHost(data) == cudaSuccess); }
};

std::uint64_t attribute(cudaMemPool_t pool, cudaMemPoolAttr attr) {
  std::uint64_t value = 0;
  REQUIRE(cudaMemPoolGetAttribute(pool, attr, &value) == cudaSuccess);
  return value;
}

}  // namespace

TEST_CASE("work runs when the host waits, not before") {
  const Fresh fresh;
  emulator::reset_statistics();
  const DeviceBuffer<float> x(std::vector<float>(4, 1));
  const Stream stream;
  const Pinned out(4);
  REQUIRE(launch_add(stream, x.get(), 4) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(out.data, x.get(), 16, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(emulator::statistics().kernels == 1);
  CHECK(std::isnan(out.data[0]));                 // read too early
  CHECK(emulator::statistics().host_waits == 1);  // the buffer's own copy
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(out.data[0] == 2);
  CHECK(emulator::statistics().host_waits == 2);

  REQUIRE(launch_add(stream, x.get(), 4) == cudaSuccess);
  int polls = 0;
  while (cudaStreamQuery(stream) == cudaErrorNotReady) ++polls;
  CHECK(polls < 3);
  CHECK(x.read()[3] == 3);
}

TEST_CASE("pageable memory is read at the call, pinned memory when the copy runs") {
  const Fresh fresh;
  const DeviceBuffer<float> a(4), b(4);
  const Stream stream;
  const Pinned pinned(4);
  std::vector<float> pageable(4, 1);
  std::fill(pinned.data, pinned.data + 4, 1.0f);
  REQUIRE(cudaMemcpyAsync(a.get(), pageable.data(), 16, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(b.get(), pinned.data, 16, cudaMemcpyHostToDevice, stream) == cudaSuccess);
  pageable[0] = pinned.data[0] = 2;
  pageable.clear();
  std::vector<float> out(4);
  REQUIRE(cudaMemcpyAsync(out.data(), a.get(), 16, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(out[0] == 1);  // a copy to pageable memory has waited
  CHECK(b.read()[0] == 2);

  std::vector<float> square(16);
  REQUIRE(cudaMemcpy2D(square.data(), 16, a.get(), 8, 8, 2, cudaMemcpyDeviceToHost) == cudaSuccess);
  CHECK(square == std::vector<float>{1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("streams are ordered by events alone; the legacy stream also by itself") {
  const Fresh fresh;
  const DeviceBuffer<float> x(std::vector<float>(4, 1));
  const Stream a, b;
  const Event event;
  const Pinned out(4);
  SUBCASE("no event: the other stream's work has not run") {
    REQUIRE(launch_add(a, x.get(), 4) == cudaSuccess);
    REQUIRE(cudaMemcpyAsync(out.data, x.get(), 16, cudaMemcpyDeviceToHost, b) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(b) == cudaSuccess);
    CHECK(out.data[0] == 1);
  }
  SUBCASE("an event") {
    REQUIRE(launch_add(a, x.get(), 4) == cudaSuccess);
    REQUIRE(cudaEventRecord(event, a) == cudaSuccess);
    REQUIRE(launch_add(a, x.get(), 4) == cudaSuccess);  // after the event: not waited for
    REQUIRE(cudaStreamWaitEvent(b, event) == cudaSuccess);
    REQUIRE(cudaMemcpyAsync(out.data, x.get(), 16, cudaMemcpyDeviceToHost, b) == cudaSuccess);
    CHECK(cudaEventElapsedTime(out.data + 3, event, event) == cudaErrorNotReady);
    REQUIRE(cudaStreamSynchronize(b) == cudaSuccess);
    CHECK(out.data[0] == 2);
    CHECK(cudaEventQuery(event) == cudaSuccess);
    float ms = 1;
    CHECK(cudaEventElapsedTime(&ms, event, event) == cudaSuccess);
    CHECK(ms == 0);
  }
  SUBCASE("the host waits for an event") {
    REQUIRE(launch_add(a, x.get(), 4) == cudaSuccess);
    REQUIRE(cudaEventRecord(event, a) == cudaSuccess);
    REQUIRE(cudaEventSynchronize(event) == cudaSuccess);
    REQUIRE(cudaMemcpyAsync(out.data, x.get(), 16, cudaMemcpyDeviceToHost, b) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(b) == cudaSuccess);
    CHECK(out.data[0] == 2);
  }
  SUBCASE("a blocking stream and the legacy one") {
    const Stream blocking(cudaStreamDefault);
    REQUIRE(launch_add(blocking, x.get(), 4) == cudaSuccess);
    REQUIRE(launch_add(nullptr, x.get(), 4) == cudaSuccess);
    REQUIRE(cudaMemcpyAsync(out.data, x.get(), 16, cudaMemcpyDeviceToHost, blocking) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(blocking) == cudaSuccess);
    CHECK(out.data[0] == 3);
  }
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("memory of one stream is another's only after an event or a wait") {
  const Fresh fresh;
  const Stream a, b;
  const Event event;
  float* x = nullptr;
  REQUIRE(cudaMallocAsync(&x, 16, a) == cudaSuccess);
  CHECK_THROWS_WITH_AS(cudaMemsetAsync(x, 0, 16, b), doctest::Contains("no event or wait orders them"), Error);
  CHECK_THROWS_WITH_AS(launch_add(b, x, 4), doctest::Contains("add_one: stream"), Error);
  CHECK_THROWS_AS(cudaFreeAsync(x, b), Error);
  REQUIRE(cudaEventRecord(event, a) == cudaSuccess);
  REQUIRE(cudaStreamWaitEvent(b, event) == cudaSuccess);
  REQUIRE(cudaMemsetAsync(x, 0, 16, b) == cudaSuccess);
  REQUIRE(launch_add(b, x, 4) == cudaSuccess);
  CHECK_THROWS_WITH_AS(cudaFreeAsync(x, a), doctest::Contains("may still use it"), Error);
  REQUIRE(cudaStreamSynchronize(b) == cudaSuccess);
  CHECK(cudaFreeAsync(x, a) == cudaSuccess);
  CHECK(cudaFreeAsync(x, a) == cudaErrorInvalidValue);
  CHECK_THROWS_WITH_AS(launch_add(a, x, 4), doctest::Contains("after it was freed"), Error);
}

TEST_CASE("copies stay inside of allocations and know their direction") {
  const Fresh fresh;
  const DeviceBuffer<float> x(4);
  std::vector<float> host(8);
  CHECK(cudaMemcpy(x.get(), host.data(), 20, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(x.get() + 3, host.data(), 8, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host.data(), x.get(), 16, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(x.get(), host.data(), 16, cudaMemcpyDeviceToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(x.get(), host.data(), 16, cudaMemcpyDefault) == cudaSuccess);
  CHECK(cudaMemset(x.get(), 0, 17) == cudaErrorInvalidValue);
  CHECK(cudaMemset(host.data(), 0, 4) == cudaErrorInvalidValue);
  CHECK(cudaFree(host.data()) == cudaErrorInvalidValue);
  CHECK(cudaFree(nullptr) == cudaSuccess);
  CHECK(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(&host)) == cudaErrorInvalidResourceHandle);
  cudaPointerAttributes attributes;
  REQUIRE(cudaPointerGetAttributes(&attributes, x.get() + 1) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice);
  REQUIRE(cudaPointerGetAttributes(&attributes, host.data()) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  REQUIRE(cudaHostRegister(host.data(), 32, 0) == cudaSuccess);
  REQUIRE(cudaPointerGetAttributes(&attributes, host.data() + 7) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeHost);
  CHECK(cudaHostRegister(host.data() + 1, 4, 0) == cudaErrorHostMemoryAlreadyRegistered);
  CHECK(cudaHostUnregister(host.data()) == cudaSuccess);
}

TEST_CASE("new memory is NaN, pools count and hold what was freed, full is full") {
  const Fresh fresh;
  emulator::device().total_memory = 1 << 20;
  const Stream stream;
  const cudaMemPoolProps props{
      cudaMemAllocationTypePinned, cudaMemHandleTypeNone, {cudaMemLocationTypeDevice, 0}, nullptr, 0, 0, {}};
  cudaMemPool_t pool = nullptr;
  REQUIRE(cudaMemPoolCreate(&pool, &props) == cudaSuccess);
  std::uint64_t all = UINT64_MAX;
  REQUIRE(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all) == cudaSuccess);
  float *x = nullptr, *y = nullptr;
  REQUIRE(cudaMallocFromPoolAsync(&x, 700 << 10, pool, stream) == cudaSuccess);
  float first = 0;
  REQUIRE(cudaMemcpyAsync(&first, x, 4, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(std::isnan(first));
  CHECK(cudaMallocFromPoolAsync(&y, 400 << 10, pool, stream) == cudaErrorMemoryAllocation);
  CHECK(cudaMallocFromPoolAsync(&y, 0, pool, stream) == cudaErrorInvalidValue);
  REQUIRE(cudaFreeAsync(x, stream) == cudaSuccess);
  CHECK(cudaMallocFromPoolAsync(&y, 400 << 10, pool, stream) == cudaSuccess);  // in stream order there is room
  CHECK(attribute(pool, cudaMemPoolAttrUsedMemCurrent) == 400 << 10);
  CHECK(attribute(pool, cudaMemPoolAttrUsedMemHigh) == 700 << 10);
  REQUIRE(cudaFreeAsync(y, stream) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(attribute(pool, cudaMemPoolAttrReservedMemCurrent) == 700 << 10);  // beneath the threshold
  std::size_t free = 0, total = 0;
  REQUIRE(cudaMemGetInfo(&free, &total) == cudaSuccess);
  CHECK(free == 324 << 10);
  CHECK(total == 1 << 20);
  REQUIRE(cudaMemPoolTrimTo(pool, 0) == cudaSuccess);
  CHECK(attribute(pool, cudaMemPoolAttrReservedMemCurrent) == 0);
  CHECK(cudaMemPoolDestroy(pool) == cudaSuccess);
  CHECK(cudaMemPoolDestroy(pool) == cudaErrorInvalidValue);
  CHECK(emulator::statistics().bytes == 0);
  emulator::device().taken_by_others = 1 << 20;
  CHECK(cudaMalloc(&x, 1) == cudaErrorMemoryAllocation);
}

TEST_CASE("a long queue runs unasked") {
  const Fresh fresh;
  emulator::set_queue_limit(8);
  const DeviceBuffer<float> x(std::vector<float>(1, 0));
  const Stream stream;
  const Pinned out(1);
  for (int i = 0; i < 8; ++i) REQUIRE(launch_add(stream, x.get(), 1) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(out.data, x.get(), 4, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(out.data[0] == 8);
}

TEST_CASE("graphs: recorded, not run; launched as often as wanted") {
  const Fresh fresh;
  const DeviceBuffer<float> x(std::vector<float>(4, 0));
  const Stream a, b;
  const Event fork, join;
  REQUIRE(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  REQUIRE(launch_add(a, x.get(), 4) == cudaSuccess);
  float* scratch = nullptr;
  REQUIRE(cudaMallocAsync(&scratch, 16, a) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(scratch, x.get(), 16, cudaMemcpyDeviceToDevice, a) == cudaSuccess);
  REQUIRE(cudaEventRecord(fork, a) == cudaSuccess);
  REQUIRE(cudaStreamWaitEvent(b, fork) == cudaSuccess);
  REQUIRE(launch_add(b, scratch, 4) == cudaSuccess);
  REQUIRE(cudaEventRecord(join, b) == cudaSuccess);
  REQUIRE(cudaStreamWaitEvent(a, join) == cudaSuccess);
  REQUIRE(cudaMemcpyAsync(x.get(), scratch, 16, cudaMemcpyDeviceToDevice, a) == cudaSuccess);
  REQUIRE(cudaFreeAsync(scratch, a) == cudaSuccess);
  cudaStreamCaptureStatus status;
  REQUIRE(cudaStreamIsCapturing(b, &status) == cudaSuccess);
  CHECK(status == cudaStreamCaptureStatusActive);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(a, &graph) == cudaSuccess);
  CHECK(x.read()[0] == 0);
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaGraphInstantiate(&exec, graph) == cudaSuccess);
  REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
  for (int i = 0; i < 3; ++i) REQUIRE(cudaGraphLaunch(exec, a) == cudaSuccess);
  REQUIRE(cudaGraphExecDestroy(exec) == cudaSuccess);
  REQUIRE(cudaStreamSynchronize(a) == cudaSuccess);
  CHECK(x.read()[0] == 6);
}

TEST_CASE("a graph outlives memory that it uses") {
  const Fresh fresh;
  const Stream stream;
  float* x = nullptr;
  REQUIRE(cudaMallocAsync(&x, 16, stream) == cudaSuccess);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  REQUIRE(launch_add(stream, x, 4) == cudaSuccess);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaGraphInstantiate(&exec, graph) == cudaSuccess);
  CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
  REQUIRE(cudaFreeAsync(x, stream) == cudaSuccess);
  CHECK_THROWS_AS(cudaGraphLaunch(exec, stream), Error);
  REQUIRE(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK_THROWS_WITH_AS(cudaGraphLaunch(exec, stream), doctest::Contains("which was freed"), Error);
  REQUIRE(cudaGraphExecDestroy(exec) == cudaSuccess);
  REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
}

TEST_CASE("a capture of a thread leaves other threads alone, a global one does not") {
  const Fresh fresh;
  const Stream stream;
  for (const auto mode : {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeGlobal}) {
    REQUIRE(cudaStreamBeginCapture(stream, mode) == cudaSuccess);
    void *there = nullptr, *here = nullptr;
    cudaError_t status = cudaSuccess;
    std::thread([&] { status = cudaMallocHost(&there, 64); }).join();
    CHECK((status == cudaSuccess) == (mode == cudaStreamCaptureModeThreadLocal));
    CHECK(cudaMallocHost(&here, 64) == cudaErrorStreamCaptureUnsupported);
    cudaGraph_t graph = nullptr;
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
    CHECK(cudaFreeHost(there) == cudaSuccess);
  }
}

TEST_CASE("a capture refuses what a capture cannot hold") {
  const Fresh fresh;
  const DeviceBuffer<float> x(4);
  const Stream a, b;
  const Event event;
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal) == cudaSuccess);
  SUBCASE("waiting") {
    CHECK(cudaStreamSynchronize(a) == cudaErrorStreamCaptureUnsupported);
    CHECK(launch_add(a, x.get(), 4) == cudaErrorStreamCaptureInvalidated);
    CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureInvalidated);
  }
  SUBCASE("waiting for the device") {
    CHECK(cudaDeviceSynchronize() == cudaErrorStreamCaptureUnsupported);
    CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureInvalidated);
  }
  SUBCASE("an event of outside") {
    REQUIRE(cudaEventRecord(event, b) == cudaSuccess);
    CHECK(cudaStreamWaitEvent(a, event) == cudaErrorStreamCaptureIsolation);
    REQUIRE(cudaStreamEndCapture(a, &graph) == cudaSuccess);
    REQUIRE(cudaGraphDestroy(graph) == cudaSuccess);
  }
  SUBCASE("work that is not joined") {
    REQUIRE(cudaEventRecord(event, a) == cudaSuccess);
    REQUIRE(cudaStreamWaitEvent(b, event) == cudaSuccess);
    REQUIRE(launch_add(b, x.get(), 4) == cudaSuccess);
    CHECK(cudaEventQuery(event) == cudaErrorCapturedEvent);
    CHECK(cudaStreamEndCapture(b, &graph) == cudaErrorStreamCaptureUnmatched);
    CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureUnjoined);
  }
  CHECK(cudaGetLastError() != cudaErrorNotReady);
}

TEST_CASE("a device that is absent, old or lost") {
  const Fresh fresh;
  int value = 0;
  emulator::device().count = 0;
  CHECK(cudaGetDeviceCount(&value) == cudaErrorNoDevice);
  CHECK(cudaMalloc(reinterpret_cast<void**>(&value), 0) == cudaErrorNoDevice);
  emulator::device().count = 2;
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  CHECK(cudaSetDevice(1) == cudaSuccess);
  CHECK(cudaGetDevice(&value) == cudaSuccess);
  CHECK(value == 1);
  CHECK(cudaSetDevice(0) == cudaSuccess);
  emulator::device().driver_version = 12080;
  CHECK(cudaDeviceSynchronize() == cudaErrorInsufficientDriver);
  CHECK(cudaDriverGetVersion(&value) == cudaSuccess);
  CHECK(value == 12080);
  emulator::device().driver_version = 13000;
  emulator::device().lose();
  CHECK(cudaDeviceSynchronize() == cudaErrorECCUncorrectable);
  CHECK(cudaGetLastError() == cudaErrorECCUncorrectable);
  CHECK(cudaGetLastError() == cudaErrorECCUncorrectable);
  emulator::device().restore();
  emulator::device().major = 7;
  CHECK(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 0) == cudaSuccess);
  CHECK(value == 7);
  cudaDeviceProp prop;
  CHECK(cudaGetDeviceProperties(&prop, 2) == cudaErrorInvalidDevice);
  REQUIRE(cudaGetDeviceProperties(&prop, 0) == cudaSuccess);
  CHECK(prop.major == 7);
  CHECK(prop.sharedMemPerBlockOptin == 227 << 10);
  CHECK(std::strcmp(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation") == 0);
  CHECK(std::strcmp(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory") == 0);
}

TEST_CASE("protected memory: the host cannot touch it, kernels and copies can") {
  const Fresh fresh;
  emulator::protect(true);
  {
    const DeviceBuffer<float> x(std::vector<float>(4, 1));
    REQUIRE(launch_add(nullptr, x.get(), 4) == cudaSuccess);
    CHECK(x.read()[0] == 2);
    const pid_t child = fork();
    if (child == 0) {
      std::signal(SIGSEGV, [](int) { _exit(42); });
      _exit(static_cast<int>(*static_cast<volatile float*>(x.get())));
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 42);
    const DeviceBuffer<float> y(std::vector<float>(3000, 5));
    CHECK(y.read()[2999] == 5);
  }
  emulator::protect(false);
}

TEST_CASE("several host threads, a stream each") {
  const Fresh fresh;
  std::vector<std::thread> threads;
  std::vector<float> results(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &results] {
      const Stream stream;
      float *x = nullptr, value = static_cast<float>(t);
      cudaMallocAsync(&x, 4, stream);
      cudaMemcpyAsync(x, &value, 4, cudaMemcpyHostToDevice, stream);
      for (int i = 0; i < 100; ++i) launch_add(stream, x, 1);
      cudaMemcpyAsync(&results[static_cast<std::size_t>(t)], x, 4, cudaMemcpyDeviceToHost, stream);
      cudaFreeAsync(x, stream);
      cudaStreamSynchronize(stream);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(results == std::vector<float>{100, 101, 102, 103});
}
