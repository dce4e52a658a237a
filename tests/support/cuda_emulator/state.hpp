#pragma once

// What the emulated runtime holds. All of it is guarded by one lock, which a launch keeps while it runs.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "emulator.hpp"

namespace emulator {

/// Vector clock: clock[s] is the last operation of stream s that is known to have come before.
class Clock {
 public:
  std::uint64_t operator[](std::size_t stream) const { return stream < ticks_.size() ? ticks_[stream] : 0; }
  void set(std::size_t stream, std::uint64_t tick) {
    if (stream >= ticks_.size()) ticks_.resize(stream + 1);
    ticks_[stream] = tick;
  }
  void merge(const Clock& other) {
    for (std::size_t s = 0; s < other.ticks_.size(); ++s)
      if (other.ticks_[s] > (*this)[s]) set(s, other.ticks_[s]);
  }

 private:
  std::vector<std::uint64_t> ticks_;
};

using Work = std::function<void()>;
/// What a graph does, and the memory that its kernels and copies touch: address and serial number of each allocation.
struct Nodes {
  std::vector<Work> work;
  std::map<std::uintptr_t, std::uint64_t> touched;
};
struct Capture;

}  // namespace emulator

struct CUstream_st {
  std::size_t id = 0;
  bool blocking = true;  // waits for the legacy stream and it for this one
  std::deque<emulator::Work> queue;
  std::uint64_t enqueued = 0, done = 0;  // operations
  std::uint64_t ticks = 0;               // operations, those recorded in graphs too
  emulator::Clock clock;
  std::shared_ptr<emulator::Capture> capture;
};

struct CUevent_st {
  unsigned flags = 0;
  std::shared_ptr<CUstream_st> stream;  // none: never recorded
  std::uint64_t position = 0;           // operations of the stream up to the record
  emulator::Clock clock;
  std::shared_ptr<double> time;  // seconds, when it ran
  std::shared_ptr<emulator::Capture> capture;
};

struct CUgraph_st {
  std::shared_ptr<emulator::Nodes> nodes;
};
struct CUgraphExec_st {
  std::shared_ptr<emulator::Nodes> nodes;
};

struct CUmemPoolHandle_st {
  std::uint64_t threshold = 0, used = 0, used_high = 0, reserved = 0, reserved_high = 0, max_size = 0;
};

namespace emulator {

using Stream = CUstream_st;
using Event = CUevent_st;
using Pool = CUmemPoolHandle_st;

struct Capture {
  Stream* origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread = std::this_thread::get_id();  // that began it
  std::set<Stream*> members;
  std::shared_ptr<Nodes> nodes = std::make_shared<Nodes>();
  bool invalidated = false, over = false;
};

struct Allocation {
  std::uintptr_t address = 0;
  std::size_t size = 0;
  std::uint64_t serial = 0;    // tells it from what lies there later
  std::shared_ptr<Pool> pool;  // none: cudaMalloc
  std::size_t stream = 0;      // that allocated it, at
  std::uint64_t tick = 0;      // 0: usable anywhere
  bool freed = false;          // as the calls came; the memory goes when the stream gets there
  bool of_graph = false;
  std::map<std::size_t, std::uint64_t> uses;  // last operation of each stream that touches it, as far as is known
};

struct Pinned {
  std::size_t size = 0;
  bool registered = false;
  std::size_t reads = 0;  // queued copies that read it
};

struct Runtime {
  std::mutex lock;
  Device device;
  Statistics counts;
  std::size_t queue_limit = 4096;
  std::size_t held_bytes = 0;  // freed memory and staged copies that queues still hold
  std::map<std::uintptr_t, Allocation> allocations;
  std::map<std::uintptr_t, Pinned> pinned;
  std::map<cudaStream_t, std::shared_ptr<Stream>> streams;
  std::vector<std::shared_ptr<Stream>> orphans;  // destroyed with work to do
  std::map<cudaEvent_t, std::unique_ptr<Event>> events;
  std::map<cudaMemPool_t, std::shared_ptr<Pool>> pools;
  std::set<cudaGraph_t> graphs;
  std::set<cudaGraphExec_t> execs;
  std::map<const void*, int> shared_limits;  // by kernel: what cudaFuncSetAttribute allowed
  std::shared_ptr<Stream> legacy = std::make_shared<Stream>();
  std::shared_ptr<Pool> default_pool = std::make_shared<Pool>();
  std::size_t next_stream = 1;
  std::size_t captures = 0;      // going on
  std::size_t direct_bytes = 0;  // of cudaMalloc
  Clock host;                    // what the host has waited for
};
Runtime& runtime();

cudaError_t device_status();
cudaError_t remember(cudaError_t error);  // for cudaGetLastError

/// Runs the body of a function of the runtime under the lock.
template <class F>
cudaError_t call(F&& body, bool needs_device = true) {
  const std::lock_guard guard(runtime().lock);
  cudaError_t error = needs_device ? device_status() : cudaSuccess;
  if (error == cudaSuccess) error = body();
  return remember(error);
}

/// Bytes that queued work holds; counted until the work is done or dropped.
struct Held {
  std::size_t bytes;
  explicit Held(std::size_t b) : bytes(b) { runtime().held_bytes += bytes; }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { runtime().held_bytes -= bytes; }
};

// stream.cpp
/// None: not a stream.
std::shared_ptr<Stream> find_stream(cudaStream_t stream);
/// An operation of the stream is about to be queued: counts it in the clocks.
void tick(Stream& stream);
cudaError_t enqueue(Stream& stream, Work work);
/// Runs the stream's work up to `position` operations.
void drain(Stream& stream, std::uint64_t position);
/// Forgets what all streams have queued.
void drop_work();
/// The host waits for a stream, or all; forbidden where one captures.
cudaError_t wait_for(Stream& stream);
cudaError_t wait_for_all();
/// Error of a call that must not come while any stream captures globally; such a call ends the capture.
cudaError_t unsafe_in_capture();
bool comes_before(std::size_t stream, std::uint64_t tick, const Stream& later);

// memory.cpp
/// The allocation that holds `address`, freed or not; end() if none.
std::map<std::uintptr_t, Allocation>::iterator find_allocation(const void* address);
Pinned* find_pinned(const void* address, std::size_t bytes);
/// Notes that the stream's newest operation touches the allocation; throws Error where that is not ordered after its
/// allocation or comes after its end.
void touch(Allocation& allocation, const Stream& stream, const std::string& what);
/// The same for `bytes` at `address`, which must lie in one allocation.
void touch_range(const void* address, std::size_t bytes, const Stream& stream, const std::string& what);
/// Pools give back what they hold beyond their thresholds.
void trim_pools();

// arena.cpp
std::byte* take_memory(std::size_t bytes);
void give_memory(std::byte* memory, std::size_t bytes);
/// While one lives, device memory can be touched.
struct Access {
  Access();
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
};

}  // namespace emulator
