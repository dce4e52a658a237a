// Streams, events, memory and graphs of the emulated device. Streams are lazy: their work is done when somebody waits
// for it, so that whoever forgets to wait is found out.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator.hpp"
#include "internal.hpp"

struct CUstream_st {
  struct Work {
    std::function<void()> run;
    std::uint64_t number;
  };
  std::deque<Work> waiting;
  std::uint64_t given = 0, done = 0;           // numbers of the last work
  std::uint64_t waited = 0;                    // up to which the host has waited
  std::map<CUstream_st*, std::uint64_t> seen;  // other streams' work that this one's comes after
  bool capturing = false;
  std::vector<std::function<void()>> captured;
};
struct CUevent_st {
  CUstream_st* stream = nullptr;
  std::uint64_t number = 0;
};
struct CUmemPoolHandle_st {
  std::size_t used = 0;
};
struct CUgraph_st {
  std::vector<std::function<void()>> work;
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> work;
};

namespace emulator {
namespace {

struct Allocation {
  std::size_t bytes = 0, pages = 0;
  CUstream_st* stream = nullptr;  // none: for all from the start
  std::uint64_t number = 0;       // of its stream's work behind which it may be used
  CUmemPoolHandle_st* pool = nullptr;
};

struct State {
  std::recursive_mutex mutex;
  Device device;
  Statistics statistics;
  std::map<std::uintptr_t, Allocation> allocations;
  std::map<std::uintptr_t, std::size_t> pinned;
  std::map<const void*, int> shared_allowed;
  std::set<CUstream_st*> streams;
  bool protects = false;
  int open = 0;  // how many runs of device work are under way
  cudaError_t sticky = cudaSuccess;
  std::string sticky_message;
};
State& state() {
  static State* s = new State;  // outlives every static object that frees device memory
  return *s;
}
thread_local cudaError_t last = cudaSuccess;
thread_local int current_device = 0;

using Guard = std::lock_guard<std::recursive_mutex>;

cudaError_t remember(cudaError_t status) {
  if (status != cudaSuccess) last = status;
  return status;
}

cudaError_t alive() {
  if (state().device.lost) return cudaErrorDevicesUnavailable;
  return state().sticky;
}

/// While device work runs, its memory may be touched.
class Open {
 public:
  Open() {
    if (state().open++ == 0) set(PROT_READ | PROT_WRITE);
  }
  ~Open() {
    if (--state().open == 0) set(PROT_NONE);
  }

 private:
  static void set(int protection) {
    for (const auto& [p, a] : state().allocations)
      if (a.pages) ::mprotect(reinterpret_cast<void*>(p), a.pages, protection);
  }
};

void drain(CUstream_st* s, std::uint64_t up_to) {
  while (!s->waiting.empty() && s->waiting.front().number <= up_to) {
    const auto work = std::move(s->waiting.front());
    s->waiting.pop_front();
    const Open open;
    try {
      work.run();
    } catch (const std::exception& e) {
      failed(cudaErrorLaunchFailure, e.what());
    }
    s->done = work.number;
  }
}

cudaError_t wait(CUstream_st* s) {
  if (s->capturing) return cudaErrorStreamCaptureUnsupported;
  if (!s->waiting.empty() || s->waited != s->given) ++state().statistics.synchronisations;
  drain(s, s->given);
  s->waited = s->given;
  return alive();
}

const Allocation* find(const void* p, std::size_t bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  auto i = state().allocations.upper_bound(at);
  if (i == state().allocations.begin()) return nullptr;
  --i;
  return at + bytes <= i->first + i->second.bytes ? &i->second : nullptr;
}

bool is_pinned(const void* p) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  auto i = state().pinned.upper_bound(at);
  return i != state().pinned.begin() && at < (--i)->first + i->second;
}

/// Whether work of stream s comes after the allocation, and is inside it.
cudaError_t usable(CUstream_st* s, const void* p, std::size_t bytes, const char* what) {
  const Allocation* a = find(p, bytes);
  if (!a) return failed(cudaErrorInvalidValue, std::string(what) + " reaches outside the device's memory");
  CUstream_st* own = a->stream;
  if (own && own != s && state().streams.contains(own) && own->waited < a->number) {
    const auto seen = s->seen.find(own);
    if (seen == s->seen.end() || seen->second < a->number)
      return failed(cudaErrorInvalidValue,
                    std::string(what) + " uses memory of another stream that it has not waited for");
  }
  return cudaSuccess;
}

cudaError_t allocate(void** p, std::size_t bytes, CUmemPoolHandle_st* pool, CUstream_st* stream) {
  State& s = state();
  if (s.statistics.allocated + bytes > s.device.total_memory) return remember(cudaErrorMemoryAllocation);
  Allocation a{bytes, 0, stream, stream ? stream->given : 0, pool};
  const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (s.protects) {
    a.pages = (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
    *p = ::mmap(nullptr, a.pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*p == MAP_FAILED) return remember(cudaErrorMemoryAllocation);
  } else {
    *p = std::aligned_alloc(256, (std::max<std::size_t>(bytes, 1) + 255) / 256 * 256);
    if (!*p) return remember(cudaErrorMemoryAllocation);
  }
  std::memset(*p, 0xff, bytes);  // no number in any type
  if (a.pages && s.open == 0) ::mprotect(*p, a.pages, PROT_NONE);
  s.allocations[reinterpret_cast<std::uintptr_t>(*p)] = a;
  s.statistics.allocated += bytes;
  s.statistics.most_allocated = std::max(s.statistics.most_allocated, s.statistics.allocated);
  if (pool) pool->used += bytes;
  return cudaSuccess;
}

void release(void* p) {
  State& s = state();
  const auto i = s.allocations.find(reinterpret_cast<std::uintptr_t>(p));
  if (i == s.allocations.end()) throw std::runtime_error("memory is freed that is not allocated");
  const Allocation a = i->second;
  s.allocations.erase(i);
  s.statistics.allocated -= a.bytes;
  if (a.pool) a.pool->used -= a.bytes;
  if (a.pages) {
    ::munmap(p, a.pages);
  } else {
    std::memset(p, 0xff, a.bytes);
    std::free(p);
  }
}

}  // namespace

std::recursive_mutex& lock() { return state().mutex; }
Device& device() { return state().device; }
Statistics& statistics() { return state().statistics; }
void protect(bool on) { state().protects = on; }
void reset() {
  Guard guard(lock());
  state().sticky = last = cudaSuccess;
  state().sticky_message.clear();
}
bool on_device(const void* p, std::size_t bytes) { return find(p, bytes) != nullptr; }

cudaError_t failed(cudaError_t status, std::string message) {
  if (!message.empty()) std::fprintf(stderr, "cuda emulator: %s\n", message.c_str());
  state().sticky = status;
  state().sticky_message = std::move(message);
  return remember(status);
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  Guard guard(lock());
  if (const auto status = alive(); status != cudaSuccess) return remember(status);
  if (!stream || !state().streams.contains(stream)) return remember(cudaErrorInvalidResourceHandle);
  if (stream->capturing) {
    stream->captured.push_back(std::move(work));
    return cudaSuccess;
  }
  stream->waiting.push_back({std::move(work), ++stream->given});
  return cudaSuccess;
}

cudaError_t allow_shared(const void* kernel, int bytes) {
  Guard guard(lock());
  if (bytes > 227 << 10) return remember(cudaErrorInvalidValue);
  state().shared_allowed[kernel] = bytes;
  return cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t& c, const void* kernel, std::function<void()> thread) {
  Guard guard(lock());
  const auto allowed = state().shared_allowed.find(kernel);
  const std::size_t most =
      allowed == state().shared_allowed.end() ? 48 << 10 : static_cast<std::size_t>(allowed->second);
  const std::uint64_t threads = std::uint64_t{c.blockDim.x} * c.blockDim.y * c.blockDim.z;
  if (c.dynamicSmemBytes > most || threads == 0 || threads > 1024 || c.gridDim.x == 0 || c.gridDim.y == 0 ||
      c.gridDim.z == 0 || c.gridDim.x > 0x7fffffffu || c.gridDim.y > 65535 || c.gridDim.z > 65535)
    return remember(cudaErrorInvalidValue);
  ++state().statistics.launches;
  return enqueue(c.stream, [grid = c.gridDim, block = c.blockDim, shared = c.dynamicSmemBytes,
                            thread = std::move(thread)] { run_grid(grid, block, shared, thread); });
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaDriverGetVersion(int* version) {
  *version = device().driver_version;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  Guard guard(lock());
  *count = device().count;
  if (device().driver_version / 1000 < 13) return remember(cudaErrorInsufficientDriver);
  return remember(device().count ? cudaSuccess : cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* d) {
  *d = current_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int d) {
  Guard guard(lock());
  if (d < 0 || d >= device().count) return remember(cudaErrorInvalidDevice);
  current_device = d;
  return remember(alive());
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  Guard guard(lock());
  *p = {};
  std::snprintf(p->name, sizeof p->name, "emulated device");
  p->totalGlobalMem = device().total_memory;
  p->major = device().major, p->minor = device().minor;
  p->multiProcessorCount = 1;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  Guard guard(lock());
  *total = device().total_memory;
  *free = *total - std::min(*total, statistics().allocated);
  return remember(alive());
}
cudaError_t cudaDeviceSynchronize() {
  Guard guard(lock());
  for (CUstream_st* s : state().streams)
    if (const auto status = wait(s); status != cudaSuccess) return remember(status);
  return remember(alive());
}
const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInsufficientDriver:
      return "cudaErrorInsufficientDriver";
    case cudaErrorDevicesUnavailable:
      return "cudaErrorDevicesUnavailable";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorStreamCaptureUnsupported:
      return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureUnmatched:
      return "cudaErrorStreamCaptureUnmatched";
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t status) {
  Guard guard(lock());
  if (status == state().sticky && !state().sticky_message.empty()) return state().sticky_message.c_str();
  return status == cudaErrorMemoryAllocation     ? "out of memory"
         : status == cudaErrorDevicesUnavailable ? "the device is lost"
                                                 : cudaGetErrorName(status);
}
cudaError_t cudaGetLastError() { return std::exchange(last, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last; }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  Guard guard(lock());
  if (const auto status = alive(); status != cudaSuccess) return remember(status);
  *stream = new CUstream_st;
  state().streams.insert(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Guard guard(lock());
  if (!state().streams.contains(stream)) return remember(cudaErrorInvalidResourceHandle);
  drain(stream, stream->given);
  for (auto& [p, a] : state().allocations)
    if (a.stream == stream) a.stream = nullptr;
  state().streams.erase(stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Guard guard(lock());
  if (!state().streams.contains(stream)) return remember(cudaErrorInvalidResourceHandle);
  return remember(wait(stream));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  Guard guard(lock());
  CUstream_st* other = event->stream;
  const std::uint64_t number = event->number;
  if (!other) return cudaSuccess;
  auto& seen = stream->seen[other];
  seen = std::max(seen, number);
  return enqueue(stream, [other, number] {
    if (state().streams.contains(other)) drain(other, number);
  });
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Guard guard(lock());
  if (!state().streams.contains(stream)) return remember(cudaErrorInvalidResourceHandle);
  event->stream = stream, event->number = stream->given;
  return remember(alive());
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Guard guard(lock());
  if (event->stream && state().streams.contains(event->stream)) {
    if (event->stream->done < event->number) ++statistics().synchronisations;
    drain(event->stream, event->number);
    event->stream->waited = std::max(event->stream->waited, event->number);
  }
  return remember(alive());
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  Guard guard(lock());
  const bool done = !event->stream || !state().streams.contains(event->stream) || event->stream->done >= event->number;
  return done ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps*) {
  *pool = new CUmemPoolHandle_st;
  return cudaSuccess;
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  Guard guard(lock());
  if (pool->used) std::fprintf(stderr, "cuda emulator: a pool goes with %zu bytes in use\n", pool->used);
  for (auto& [p, a] : state().allocations)
    if (a.pool == pool) a.pool = nullptr;
  delete pool;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr, void* value) {
  Guard guard(lock());
  *static_cast<std::uint64_t*>(value) = pool->used;
  return cudaSuccess;
}
cudaError_t cudaMallocFromPoolAsync(void** p, std::size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  Guard guard(lock());
  if (const auto status = alive(); status != cudaSuccess) return remember(status);
  if (!state().streams.contains(stream)) return remember(cudaErrorInvalidResourceHandle);
  return allocate(p, bytes, pool, stream);
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  Guard guard(lock());
  if (!p) return cudaSuccess;
  if (device().lost || state().sticky != cudaSuccess) {  // memory goes all the same: nothing is to leak in tests
    if (state().allocations.contains(reinterpret_cast<std::uintptr_t>(p))) release(p);
    return remember(alive());
  }
  if (!state().allocations.contains(reinterpret_cast<std::uintptr_t>(p)))
    return failed(cudaErrorInvalidValue, "memory is freed that is not allocated");
  return enqueue(stream, [p] { release(p); });
}
cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  Guard guard(lock());
  if (const auto status = alive(); status != cudaSuccess) return remember(status);
  return allocate(p, bytes, nullptr, nullptr);
}
cudaError_t cudaFree(void* p) {
  Guard guard(lock());
  if (!p) return cudaSuccess;
  cudaDeviceSynchronize();
  if (!state().allocations.contains(reinterpret_cast<std::uintptr_t>(p)))
    return failed(cudaErrorInvalidValue, "memory is freed that is not allocated");
  release(p);
  return remember(alive());
}
cudaError_t cudaMallocHost(void** p, std::size_t bytes) {
  Guard guard(lock());
  if (const auto status = alive(); status != cudaSuccess) return remember(status);
  *p = std::malloc(std::max<std::size_t>(bytes, 1));
  if (!*p) return remember(cudaErrorMemoryAllocation);
  state().pinned[reinterpret_cast<std::uintptr_t>(*p)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* p) {
  Guard guard(lock());
  if (!p) return cudaSuccess;
  cudaDeviceSynchronize();
  if (state().pinned.erase(reinterpret_cast<std::uintptr_t>(p)) == 0) return remember(cudaErrorInvalidValue);
  std::free(p);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  Guard guard(lock());
  if (const auto status = alive(); status != cudaSuccess) return remember(status);
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (to_device)
    if (const auto status = usable(stream, to, bytes, "a copy's target"); status != cudaSuccess) return status;
  if (from_device)
    if (const auto status = usable(stream, from, bytes, "a copy's source"); status != cudaSuccess) return status;
  if (!from_device && !is_pinned(from)) {  // staged at once
    auto staged = std::make_shared<std::vector<std::byte>>(static_cast<const std::byte*>(from),
                                                           static_cast<const std::byte*>(from) + bytes);
    return enqueue(stream, [to, staged] { std::memcpy(to, staged->data(), staged->size()); });
  }
  const cudaError_t status = enqueue(stream, [to, from, bytes] { std::memcpy(to, from, bytes); });
  if (status != cudaSuccess || to_device || is_pinned(to)) return status;
  return remember(wait(stream));
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  Guard guard(lock());
  if (const auto status = cudaDeviceSynchronize(); status != cudaSuccess) return status;
  const Open open;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t stream) {
  Guard guard(lock());
  if (const auto status = usable(stream, p, bytes, "a fill"); status != cudaSuccess) return status;
  return enqueue(stream, [p, value, bytes] { std::memset(p, value, bytes); });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  Guard guard(lock());
  if (stream->capturing) return remember(cudaErrorStreamCaptureUnsupported);
  stream->capturing = true;
  stream->captured.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Guard guard(lock());
  if (!stream->capturing) return remember(cudaErrorStreamCaptureUnmatched);
  stream->capturing = false;
  *graph = new CUgraph_st{std::move(stream->captured)};
  stream->captured.clear();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  Guard guard(lock());
  for (const auto& work : exec->work)
    if (const auto status = enqueue(stream, work); status != cudaSuccess) return status;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
