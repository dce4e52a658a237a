#pragma once

#include <cstddef>
#include <cstdint>

/// A CUDA device on the CPU, for tests: see README.md beside this.
namespace emulator {

/// The order in which a block's threads, and a grid's blocks, get their turn. A kernel whose result hangs on it has a
/// race.
enum class Schedule { forward, backward, shuffled };
void set_schedule(Schedule schedule, std::uint64_t seed = 0);

/// What the device is taken to be. Changes count from the next call on.
struct Device {
  int count = 1;
  int driver_version = 13000;
  int major = 9, minor = 0;
  std::size_t total_memory = std::size_t{8} << 30;
  bool lost = false;  ///< every call fails from now on
};
Device& device();

/// Forgets what a kernel or call has done wrong: the device can be used again.
void reset();

/// With it on, memory of the device cannot be touched by the host outside kernels and copies: a program that does dies
/// on the spot. For allocations from now on.
void protect(bool on);

struct Statistics {
  std::uint64_t launches = 0;          ///< of kernels, products among them
  std::uint64_t synchronisations = 0;  ///< calls that waited for a stream with work
  std::size_t allocated = 0, most_allocated = 0;
};
Statistics& statistics();

}  // namespace emulator
