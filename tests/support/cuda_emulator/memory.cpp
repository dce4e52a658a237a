// Device memory, pools of it and pinned host memory.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "state.hpp"

namespace emulator {
namespace {

std::uintptr_t number(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

std::size_t used_bytes() {
  std::size_t used = runtime().direct_bytes + runtime().default_pool->used;
  for (const auto& [handle, pool] : runtime().pools) used += pool->used;
  return used;
}

std::size_t reserved_bytes() {
  std::size_t reserved = runtime().direct_bytes + runtime().default_pool->reserved;
  for (const auto& [handle, pool] : runtime().pools) reserved += pool->reserved;
  return reserved;
}

std::size_t capacity() {
  const Device& d = runtime().device;
  return d.total_memory - std::min(d.taken_by_others, d.total_memory);
}

void each_pool(void (*f)(Pool&)) {
  f(*runtime().default_pool);
  for (const auto& [handle, pool] : runtime().pools) f(*pool);
}

/// Takes part in the counts; `pool` none: cudaMalloc.
cudaError_t allocate(void** out, std::size_t size, const std::shared_ptr<Pool>& pool) {
  Runtime& r = runtime();
  if (size > capacity() || used_bytes() + size > capacity()) return cudaErrorMemoryAllocation;
  if (pool && pool->max_size != 0 && pool->used + size > pool->max_size) return cudaErrorMemoryAllocation;
  const std::size_t growth = !pool ? size : pool->used + size > pool->reserved ? pool->used + size - pool->reserved : 0;
  if (reserved_bytes() + growth > capacity()) each_pool([](Pool& p) { p.reserved = p.used; });
  std::byte* memory = take_memory(size);
  Allocation& a = r.allocations[number(memory)];
  a = {};
  a.address = number(memory);
  a.size = size;
  a.serial = r.counts.allocations;
  a.pool = pool;
  if (pool) {
    pool->used += size;
    pool->used_high = std::max(pool->used_high, pool->used);
    pool->reserved = std::max(pool->reserved, pool->used);
    pool->reserved_high = std::max(pool->reserved_high, pool->reserved);
  } else {
    r.direct_bytes += size;
  }
  ++r.counts.allocations;
  r.counts.bytes += size;
  r.counts.peak_bytes = std::max(r.counts.peak_bytes, r.counts.bytes);
  *out = memory;
  return cudaSuccess;
}

/// As the calls came: the memory itself goes by release().
void count_free(Allocation& a) {
  a.freed = true;
  runtime().counts.bytes -= a.size;
  if (a.pool)
    a.pool->used -= a.size;
  else
    runtime().direct_bytes -= a.size;
}

void release(std::uintptr_t address) {
  const auto it = runtime().allocations.find(address);
  give_memory(reinterpret_cast<std::byte*>(address), it->second.size);
  runtime().allocations.erase(it);
}

/// Memory allocated in a graph lives as long as the graph.
struct GraphMemory {
  std::uintptr_t address;
  explicit GraphMemory(std::uintptr_t a) : address(a) {}
  GraphMemory(const GraphMemory&) = delete;
  GraphMemory& operator=(const GraphMemory&) = delete;
  ~GraphMemory() {
    Allocation& a = runtime().allocations[address];
    if (!a.freed) count_free(a);
    release(address);
  }
};

/// Memory whose end is queued goes when the stream gets there, or drops its work.
struct Freed : Held {
  std::uintptr_t address;
  Freed(std::uintptr_t a, std::size_t bytes) : Held(bytes), address(a) {}
  ~Freed() { release(address); }
};

cudaError_t pool_of(cudaMemPool_t handle, std::shared_ptr<Pool>& pool) {
  if (handle == runtime().default_pool.get()) {
    pool = runtime().default_pool;
    return cudaSuccess;
  }
  const auto it = runtime().pools.find(handle);
  if (it == runtime().pools.end()) return cudaErrorInvalidValue;
  pool = it->second;
  return cudaSuccess;
}

cudaError_t allocate_async(void** out, std::size_t size, const std::shared_ptr<Pool>& pool, cudaStream_t handle) {
  const auto stream = find_stream(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (out == nullptr || size == 0) return cudaErrorInvalidValue;
  if (!runtime().device.memory_pools) return cudaErrorNotSupported;
  const cudaError_t error = allocate(out, size, pool);
  if (error != cudaSuccess) return error;
  tick(*stream);
  Allocation& a = runtime().allocations[number(*out)];
  if (stream->capture) {
    a.of_graph = true;
    const auto memory = std::make_shared<GraphMemory>(number(*out));
    return enqueue(*stream, [memory, size] { std::memset(reinterpret_cast<void*>(memory->address), 0xFF, size); });
  }
  a.stream = stream->id;
  a.tick = stream->ticks;
  return cudaSuccess;
}

cudaError_t free_async(void* ptr, Stream& stream) {
  Runtime& r = runtime();
  const auto it = r.allocations.find(number(ptr));
  if (it == r.allocations.end() || it->second.freed || !it->second.pool) return cudaErrorInvalidValue;
  Allocation& a = it->second;
  if (stream.capture && !a.of_graph) return cudaErrorInvalidValue;  // memory of outside cannot be freed by a graph
  tick(stream);
  touch(a, stream, "cudaFreeAsync");
  for (const auto& [user, at] : a.uses)
    if (!comes_before(user, at, stream))
      throw Error("memory is freed on stream " + std::to_string(stream.id) + " while work of stream " +
                  std::to_string(user) + " may still use it: no event or wait orders them");
  count_free(a);
  if (a.of_graph)
    return enqueue(stream,
                   [address = it->first, size = a.size] { std::memset(reinterpret_cast<void*>(address), 0xFF, size); });
  return enqueue(stream, [freed = std::make_shared<Freed>(it->first, a.size)] {});
}

cudaError_t allocate_pinned(void** out, std::size_t size) {
  if (out == nullptr) return cudaErrorInvalidValue;
  if (const cudaError_t error = unsafe_in_capture(); error != cudaSuccess) return error;
  *out = nullptr;
  if (size == 0) return cudaSuccess;
  if (posix_memalign(out, 4096, size) != 0) return cudaErrorMemoryAllocation;
  std::memset(*out, 0xFF, size);
  runtime().pinned[number(*out)].size = size;
  return cudaSuccess;
}

}  // namespace

std::map<std::uintptr_t, Allocation>::iterator find_allocation(const void* address) {
  auto& all = runtime().allocations;
  auto it = all.upper_bound(number(address));
  if (it == all.begin()) return all.end();
  --it;
  return number(address) < it->first + it->second.size ? it : all.end();
}

Pinned* find_pinned(const void* address, std::size_t bytes) {
  auto& all = runtime().pinned;
  auto it = all.upper_bound(number(address));
  if (it == all.begin()) return nullptr;
  --it;
  return number(address) + bytes <= it->first + it->second.size ? &it->second : nullptr;
}

void touch(Allocation& a, const Stream& stream, const std::string& what) {
  if (a.freed) throw Error(what + ": device memory is used after it was freed");
  if (a.tick != 0 && !comes_before(a.stream, a.tick, stream))
    throw Error(what + ": stream " + std::to_string(stream.id) + " uses memory allocated on stream " +
                std::to_string(a.stream) + ", and no event or wait orders them");
  if (!stream.capture)
    a.uses[stream.id] = stream.ticks;
  else if (!a.of_graph)
    stream.capture->nodes->touched[a.address] = a.serial;
}

void touch_range(const void* address, std::size_t bytes, const Stream& stream, const std::string& what) {
  const auto it = find_allocation(address);
  if (it == runtime().allocations.end()) throw Error(what + ": not device memory");
  if (number(address) + bytes > it->first + it->second.size)
    throw Error(what + ": reaches " + std::to_string(number(address) + bytes - it->first - it->second.size) +
                " bytes beyond its allocation of " + std::to_string(it->second.size) + " bytes");
  touch(it->second, stream, what);
}

void trim_pools() {
  each_pool([](Pool& p) { p.reserved = std::max(p.used, std::min(p.reserved, p.threshold)); });
}

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaMalloc(void** ptr, size_t size) {
  return call([&] {
    if (ptr == nullptr) return cudaErrorInvalidValue;
    if (const cudaError_t error = unsafe_in_capture(); error != cudaSuccess) return error;
    *ptr = nullptr;
    return size == 0 ? cudaSuccess : allocate(ptr, size, nullptr);
  });
}

cudaError_t cudaFree(void* ptr) {
  return call([&] {
    if (ptr == nullptr) return cudaSuccess;
    const auto it = runtime().allocations.find(number(ptr));
    if (it == runtime().allocations.end() || it->second.freed || it->second.of_graph) return cudaErrorInvalidValue;
    if (const cudaError_t error = wait_for_all(); error != cudaSuccess) return error;
    count_free(it->second);
    release(it->first);
    return cudaSuccess;
  });
}

cudaError_t cudaMallocAsync(void** ptr, size_t size, cudaStream_t stream) {
  return call([&] { return allocate_async(ptr, size, runtime().default_pool, stream); });
}

cudaError_t cudaMallocFromPoolAsync(void** ptr, size_t size, cudaMemPool_t handle, cudaStream_t stream) {
  return call([&] {
    std::shared_ptr<Pool> pool;
    const cudaError_t error = pool_of(handle, pool);
    return error != cudaSuccess ? error : allocate_async(ptr, size, pool, stream);
  });
}

cudaError_t cudaFreeAsync(void* ptr, cudaStream_t handle) {
  return call([&] {
    const auto stream = find_stream(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    return ptr == nullptr ? cudaErrorInvalidValue : free_async(ptr, *stream);
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* out, const cudaMemPoolProps* props) {
  return call([&] {
    if (out == nullptr || props == nullptr || props->allocType != cudaMemAllocationTypePinned ||
        props->location.type != cudaMemLocationTypeDevice || props->location.id < 0)
      return cudaErrorInvalidValue;
    if (props->location.id >= runtime().device.count) return cudaErrorInvalidDevice;
    if (!runtime().device.memory_pools) return cudaErrorNotSupported;
    auto pool = std::make_shared<Pool>();
    pool->max_size = props->maxSize;
    *out = pool.get();
    runtime().pools.emplace(*out, std::move(pool));
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  return call([&] { return runtime().pools.erase(pool) == 1 ? cudaSuccess : cudaErrorInvalidValue; });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attr, void* value) {
  return call([&] {
    std::shared_ptr<Pool> pool;
    if (value == nullptr || pool_of(handle, pool) != cudaSuccess) return cudaErrorInvalidValue;
    if (attr == cudaMemPoolAttrReleaseThreshold) {
      pool->threshold = *static_cast<std::uint64_t*>(value);
      return cudaSuccess;
    }
    if (attr == cudaMemPoolAttrReservedMemHigh || attr == cudaMemPoolAttrUsedMemHigh) {  // these can only be set to 0
      if (*static_cast<std::uint64_t*>(value) != 0) return cudaErrorInvalidValue;
      (attr == cudaMemPoolAttrUsedMemHigh ? pool->used_high : pool->reserved_high) =
          attr == cudaMemPoolAttrUsedMemHigh ? pool->used : pool->reserved;
      return cudaSuccess;
    }
    const bool reuse = attr >= cudaMemPoolReuseFollowEventDependencies && attr < cudaMemPoolAttrReleaseThreshold;
    return reuse ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t handle, cudaMemPoolAttr attr, void* value) {
  return call([&] {
    std::shared_ptr<Pool> pool;
    if (value == nullptr || pool_of(handle, pool) != cudaSuccess) return cudaErrorInvalidValue;
    auto& out = *static_cast<std::uint64_t*>(value);
    switch (attr) {
      case cudaMemPoolAttrReleaseThreshold:
        out = pool->threshold;
        return cudaSuccess;
      case cudaMemPoolAttrReservedMemCurrent:
        out = pool->reserved;
        return cudaSuccess;
      case cudaMemPoolAttrReservedMemHigh:
        out = pool->reserved_high;
        return cudaSuccess;
      case cudaMemPoolAttrUsedMemCurrent:
        out = pool->used;
        return cudaSuccess;
      case cudaMemPoolAttrUsedMemHigh:
        out = pool->used_high;
        return cudaSuccess;
      default:
        *static_cast<int*>(value) = 1;
        return cudaSuccess;
    }
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t handle, size_t keep) {
  return call([&] {
    std::shared_ptr<Pool> pool;
    if (pool_of(handle, pool) != cudaSuccess) return cudaErrorInvalidValue;
    pool->reserved = std::max(pool->used, std::min<std::uint64_t>(pool->reserved, keep));
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  return call([&] {
    if (device < 0 || device >= runtime().device.count) return cudaErrorInvalidDevice;
    *pool = runtime().default_pool.get();
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call([&] {
    *total = runtime().device.total_memory;
    *free = capacity() - std::min(capacity(), reserved_bytes());
    return cudaSuccess;
  });
}

cudaError_t cudaHostAlloc(void** ptr, size_t size, unsigned int) {
  return call([&] { return allocate_pinned(ptr, size); });
}
cudaError_t cudaMallocHost(void** ptr, size_t size) { return cudaHostAlloc(ptr, size, 0); }

cudaError_t cudaFreeHost(void* ptr) {
  return call([&] {
    if (ptr == nullptr) return cudaSuccess;
    const auto it = runtime().pinned.find(number(ptr));
    if (it == runtime().pinned.end() || it->second.registered) return cudaErrorInvalidValue;
    if (const cudaError_t error = wait_for_all(); error != cudaSuccess) return error;
    std::memset(ptr, 0xFF, it->second.size);
    std::free(ptr);
    runtime().pinned.erase(it);
    return cudaSuccess;
  });
}

cudaError_t cudaHostRegister(void* ptr, size_t size, unsigned int) {
  return call([&] {
    if (ptr == nullptr || size == 0) return cudaErrorInvalidValue;
    const auto next = runtime().pinned.lower_bound(number(ptr));
    if (find_pinned(ptr, 1) != nullptr || (next != runtime().pinned.end() && next->first < number(ptr) + size))
      return cudaErrorHostMemoryAlreadyRegistered;
    runtime().pinned[number(ptr)] = {size, true, 0};
    return cudaSuccess;
  });
}

cudaError_t cudaHostUnregister(void* ptr) {
  return call([&] {
    const auto it = runtime().pinned.find(number(ptr));
    if (it == runtime().pinned.end() || !it->second.registered) return cudaErrorHostMemoryNotRegistered;
    if (const cudaError_t error = wait_for_all(); error != cudaSuccess) return error;
    runtime().pinned.erase(it);
    return cudaSuccess;
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* ptr) {
  return call([&] {
    *out = {cudaMemoryTypeUnregistered, -1, nullptr, const_cast<void*>(ptr), {}};
    const auto it = find_allocation(ptr);
    if (it != runtime().allocations.end() && !it->second.freed)
      *out = {cudaMemoryTypeDevice, 0, const_cast<void*>(ptr), nullptr, {}};
    else if (find_pinned(ptr, 1) != nullptr)
      *out = {cudaMemoryTypeHost, 0, const_cast<void*>(ptr), const_cast<void*>(ptr), {}};
    return cudaSuccess;
  });
}

}  // extern "C"
