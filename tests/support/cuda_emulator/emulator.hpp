#pragma once

// CUDA on the CPU, for tests: kernels, streams, memory, cuBLASLt and cuDNN's attention with the faults of a device made
// visible.
//
//   * A thread of a block is a fiber. set_schedule() sets the order in which threads and blocks run: results that
//   differ
//     between schedules come of a race.
//   * Streams are lazy: work runs only where the host waits for it (or a queue grows too long), so what is read too
//   early,
//     or dies too early, shows.
//   * Device memory, shared memory and pinned memory that nothing was written to hold 0xFF bytes: NaN in every float
//   type.
//   * What is undefined on a device (divergent barriers, memory of another stream, pointers out of their allocation)
//   throws
//     Error, from the call that meets it: for a kernel, the call that waits.

#include <driver_types.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace emulator {

/// A program's use of the device that is undefined there.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Schedule { forward, backward, shuffled };

/// Order of a block's threads between barriers, of the blocks of a grid and of the streams that a device
/// synchronisation empties. `seed` is for shuffled.
void set_schedule(Schedule schedule, std::uint64_t seed = 0);

/// The device(s); may be changed at any time.
struct Device {
  int count = 1;
  int driver_version = 13000;
  int major = 9, minor = 0;
  int multiprocessors = 132;
  bool memory_pools = true;
  std::size_t total_memory = std::size_t{80} << 30;
  std::size_t taken_by_others = 0;  // memory that other programs hold
  int cudnn_version = 91900;
  bool cudnn_has_plans = true;  // for attention
  bool cudnn_executes = true;   // them

  /// From now on every call gives `error`, until restore().
  void lose(cudaError_t error = cudaErrorECCUncorrectable) { lost = error; }
  void restore() { lost = cudaSuccess; }
  cudaError_t lost = cudaSuccess;
};
Device& device();

/// Device memory allocated from now on cannot be touched by the host but inside of kernels and copies. Set it before
/// the first allocation; a touch is a SIGSEGV.
void protect(bool on);

/// Operations that a stream queues before it runs them unasked (4096 at first).
void set_queue_limit(std::size_t operations);

struct Statistics {
  std::uint64_t kernels = 0;              // launches, also those recorded in a graph
  std::uint64_t products = 0;             // cublasLtMatmul calls
  std::uint64_t attentions = 0;           // cuDNN's, as products
  std::uint64_t attention_plans = 0;      // that cuDNN was asked for
  std::uint64_t copies = 0;               // memcpy calls
  std::uint64_t graph_launches = 0;       // cudaGraphLaunch calls
  std::uint64_t allocations = 0;          // of device memory
  std::uint64_t host_waits = 0;           // calls in which the host waited for the device, implicit waits included
  std::size_t bytes = 0, peak_bytes = 0;  // device memory allocated now and at most, as the calls came
  std::size_t live_allocations = 0, live_pinned = 0, live_streams = 0, live_events = 0, live_pools = 0, live_graphs = 0;
  std::size_t live_cublas = 0;  // handles, descriptors, layouts and preferences
  std::size_t live_cudnn = 0;   // handles
};
Statistics statistics();
/// Sets the counts to zero and the peak to what is allocated; what is live stays.
void reset_statistics();

/// Drops queued work and an error that was not asked for; settings of schedule, device, limit go back to their first
/// values. What the program holds stays valid.
void reset();

}  // namespace emulator
