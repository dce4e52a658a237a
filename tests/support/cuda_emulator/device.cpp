// The device, its errors, launches and the controls of emulator.hpp.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "grid.hpp"
#include "schedule.hpp"
#include "state.hpp"

namespace emulator {
namespace {

constexpr std::size_t shared_unasked = 48 << 10, shared_most = 227 << 10;  // of compute capability 9.0 and 10.0
thread_local cudaError_t last_error = cudaSuccess;

/// Parameters are searched for pointers into device memory: what a kernel may touch.
void touch_parameters(const void* params, std::size_t bytes, const Stream& stream, const void* kernel) {
  for (std::size_t i = 0; i + sizeof(void*) <= bytes; i += sizeof(void*)) {
    const void* p;
    std::memcpy(&p, static_cast<const std::byte*>(params) + i, sizeof p);
    const auto it = find_allocation(p);
    if (it == runtime().allocations.end()) continue;
    try {
      touch(it->second, stream, "");
    } catch (const Error& e) {
      throw Error("kernel " + symbol_name(kernel) + e.what());
    }
  }
}

bool fits(const dim3& d, unsigned x, unsigned y, unsigned z) {
  return d.x >= 1 && d.y >= 1 && d.z >= 1 && d.x <= x && d.y <= y && d.z <= z;
}

}  // namespace

Runtime& runtime() {
  static auto* value = new Runtime;  // streams may be used while the program ends
  return *value;
}

cudaError_t device_status() {
  const Device& d = runtime().device;
  if (d.driver_version < CUDART_VERSION / 1000 * 1000) return cudaErrorInsufficientDriver;
  if (d.count == 0) return cudaErrorNoDevice;
  return d.lost;
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

cudaError_t detail::launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> thread,
                           const void* params, std::size_t bytes) {
  return call([&] {
    const auto stream = find_stream(config.stream);
    if (!stream) return cudaErrorInvalidResourceHandle;
    const dim3 &grid = config.gridDim, &block = config.blockDim;
    if (!fits(grid, 0x7FFFFFFFu, 65535, 65535) || !fits(block, 1024, 1024, 64) || block.x * block.y * block.z > 1024)
      return cudaErrorInvalidConfiguration;
    const auto limit = runtime().shared_limits.find(kernel);
    const std::size_t allowed =
        limit == runtime().shared_limits.end() ? shared_unasked : static_cast<std::size_t>(limit->second);
    if (config.dynamicSmemBytes > std::max(allowed, shared_unasked)) return cudaErrorInvalidValue;
    tick(*stream);
    touch_parameters(params, bytes, *stream, kernel);
    ++runtime().counts.kernels;
    auto launch = std::make_shared<Launch>(Launch{grid, block, config.dynamicSmemBytes, kernel, std::move(thread)});
    return enqueue(*stream, [launch] { run_grid(*launch); });
  });
}

Device& device() { return runtime().device; }

void set_schedule(Schedule schedule, std::uint64_t seed) {
  const std::lock_guard guard(runtime().lock);
  order() = {schedule, seed * 0x9E3779B97F4A7C15ull + 1};
}

void set_queue_limit(std::size_t operations) {
  const std::lock_guard guard(runtime().lock);
  runtime().queue_limit = operations;
}

Statistics statistics() {
  const std::lock_guard guard(runtime().lock);
  const Runtime& r = runtime();
  Statistics s = r.counts;
  s.live_allocations = static_cast<std::size_t>(
      std::count_if(r.allocations.begin(), r.allocations.end(), [](const auto& a) { return !a.second.freed; }));
  s.live_pinned = r.pinned.size();
  s.live_streams = r.streams.size();
  s.live_events = r.events.size();
  s.live_pools = r.pools.size();
  s.live_graphs = r.graphs.size() + r.execs.size();
  return s;
}

void reset_statistics() {
  const std::lock_guard guard(runtime().lock);
  Statistics& s = runtime().counts;
  Statistics kept;
  kept.bytes = kept.peak_bytes = s.bytes;
  kept.live_cublas = s.live_cublas;
  kept.live_cudnn = s.live_cudnn;
  s = kept;
}

void reset() {
  const std::lock_guard guard(runtime().lock);
  Runtime& r = runtime();
  drop_work();
  r.queue_limit = 4096;
  r.device = {};
  order() = {};
  last_error = cudaSuccess;
}

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  return call([&] {
    *count = runtime().device.count;
    return cudaSuccess;
  });
}

namespace {
thread_local int current_device = 0;
}

cudaError_t cudaGetDevice(int* device) {
  return call([&] {
    *device = current_device;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return call([&] {
    if (device < 0 || device >= runtime().device.count) return cudaErrorInvalidDevice;
    current_device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  return call([&] {
    const Device& d = runtime().device;
    if (device < 0 || device >= d.count) return cudaErrorInvalidDevice;
    *prop = {};
    std::strcpy(prop->name, "emulated GPU");
    prop->totalGlobalMem = d.total_memory;
    prop->sharedMemPerBlock = shared_unasked;
    prop->sharedMemPerBlockOptin = shared_most;
    prop->sharedMemPerMultiprocessor = shared_most + 1024;
    prop->reservedSharedMemPerBlock = 1024;
    prop->regsPerBlock = prop->regsPerMultiprocessor = 65536;
    prop->warpSize = 32;
    prop->memPitch = 0x7FFFFFFF;
    prop->maxThreadsPerBlock = 1024;
    const int block[3] = {1024, 1024, 64}, grid[3] = {0x7FFFFFFF, 65535, 65535};
    std::copy(block, block + 3, prop->maxThreadsDim);
    std::copy(grid, grid + 3, prop->maxGridSize);
    prop->totalConstMem = 64 << 10;
    prop->major = d.major;
    prop->minor = d.minor;
    prop->multiProcessorCount = d.multiprocessors;
    prop->canMapHostMemory = prop->concurrentKernels = prop->unifiedAddressing = prop->ECCEnabled = 1;
    prop->asyncEngineCount = 3;
    prop->memoryBusWidth = 5120;
    prop->l2CacheSize = 50 << 20;
    prop->maxThreadsPerMultiProcessor = 2048;
    prop->maxBlocksPerMultiProcessor = 32;
    prop->hostRegisterSupported = 1;
    prop->memoryPoolsSupported = d.memory_pools ? 1 : 0;
    prop->clusterLaunch = 1;
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attr, int device) {
  cudaDeviceProp p;
  if (const cudaError_t error = cudaGetDeviceProperties(&p, device); error != cudaSuccess) return error;
  return call([&] {
    switch (attr) {
      case cudaDevAttrMaxThreadsPerBlock:
        *value = p.maxThreadsPerBlock;
        break;
      case cudaDevAttrMaxBlockDimX:
        *value = p.maxThreadsDim[0];
        break;
      case cudaDevAttrMaxBlockDimY:
        *value = p.maxThreadsDim[1];
        break;
      case cudaDevAttrMaxBlockDimZ:
        *value = p.maxThreadsDim[2];
        break;
      case cudaDevAttrMaxGridDimX:
        *value = p.maxGridSize[0];
        break;
      case cudaDevAttrMaxGridDimY:
        *value = p.maxGridSize[1];
        break;
      case cudaDevAttrMaxGridDimZ:
        *value = p.maxGridSize[2];
        break;
      case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = static_cast<int>(p.sharedMemPerBlock);
        break;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = static_cast<int>(p.sharedMemPerBlockOptin);
        break;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        *value = static_cast<int>(p.sharedMemPerMultiprocessor);
        break;
      case cudaDevAttrReservedSharedMemoryPerBlock:
        *value = static_cast<int>(p.reservedSharedMemPerBlock);
        break;
      case cudaDevAttrWarpSize:
        *value = p.warpSize;
        break;
      case cudaDevAttrMaxRegistersPerBlock:
        *value = p.regsPerBlock;
        break;
      case cudaDevAttrMaxRegistersPerMultiprocessor:
        *value = p.regsPerMultiprocessor;
        break;
      case cudaDevAttrMultiProcessorCount:
        *value = p.multiProcessorCount;
        break;
      case cudaDevAttrConcurrentKernels:
        *value = p.concurrentKernels;
        break;
      case cudaDevAttrEccEnabled:
        *value = p.ECCEnabled;
        break;
      case cudaDevAttrClockRate:
        *value = 1980000;
        break;  // kHz
      case cudaDevAttrMemoryClockRate:
        *value = 2619000;
        break;  // kHz
      case cudaDevAttrGlobalMemoryBusWidth:
        *value = p.memoryBusWidth;
        break;
      case cudaDevAttrL2CacheSize:
        *value = p.l2CacheSize;
        break;
      case cudaDevAttrMaxThreadsPerMultiProcessor:
        *value = p.maxThreadsPerMultiProcessor;
        break;
      case cudaDevAttrMaxBlocksPerMultiprocessor:
        *value = p.maxBlocksPerMultiProcessor;
        break;
      case cudaDevAttrAsyncEngineCount:
        *value = p.asyncEngineCount;
        break;
      case cudaDevAttrUnifiedAddressing:
        *value = p.unifiedAddressing;
        break;
      case cudaDevAttrComputeCapabilityMajor:
        *value = p.major;
        break;
      case cudaDevAttrComputeCapabilityMinor:
        *value = p.minor;
        break;
      case cudaDevAttrMemoryPoolsSupported:
        *value = p.memoryPoolsSupported;
        break;
      case cudaDevAttrIntegrated:
      case cudaDevAttrManagedMemory:
      case cudaDevAttrPageableMemoryAccess:
        *value = 0;
        break;
      default:
        return cudaErrorInvalidValue;
    }
    return cudaSuccess;
  });
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = device().driver_version;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define CUDA_EMULATOR_NAME(name, value, text) \
  case name:                                  \
    return #name;
    CUDA_EMULATOR_ERRORS(CUDA_EMULATOR_NAME)
#undef CUDA_EMULATOR_NAME
  }
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define CUDA_EMULATOR_TEXT(name, value, text) \
  case name:                                  \
    return text;
    CUDA_EMULATOR_ERRORS(CUDA_EMULATOR_TEXT)
#undef CUDA_EMULATOR_TEXT
  }
  return "unrecognized error code";
}
cudaError_t cudaGetLastError() {
  const cudaError_t error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError() {
  const std::lock_guard guard(runtime().lock);
  return runtime().device.lost != cudaSuccess ? runtime().device.lost : last_error;  // a lost device stays lost
}

cudaError_t cudaFuncSetAttribute(const void* func, cudaFuncAttribute attr, int value) {
  return call([&] {
    if (func == nullptr) return cudaErrorInvalidDeviceFunction;
    if (attr == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
    if (attr != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        static_cast<std::size_t>(value) > shared_most)
      return cudaErrorInvalidValue;
    runtime().shared_limits[func] = value;
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attr, const void* func) {
  return call([&] {
    if (func == nullptr) return cudaErrorInvalidDeviceFunction;
    *attr = {};
    attr->maxThreadsPerBlock = 1024;
    attr->numRegs = 64;
    attr->ptxVersion = attr->binaryVersion = runtime().device.major * 10 + runtime().device.minor;
    const auto limit = runtime().shared_limits.find(func);
    attr->maxDynamicSharedSizeBytes =
        limit == runtime().shared_limits.end() ? static_cast<int>(shared_unasked) : limit->second;
    return cudaSuccess;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int block_size,
                                                          size_t shared_bytes) {
  return call([&] {
    if (block_size < 1 || block_size > 1024 || shared_bytes > shared_most) return cudaErrorInvalidValue;
    *blocks = static_cast<int>(std::min({std::size_t{32}, std::size_t{2048} / static_cast<std::size_t>(block_size),
                                         (shared_most + 1024) / (shared_bytes + 1024)}));
    return cudaSuccess;
  });
}

}  // extern "C"
