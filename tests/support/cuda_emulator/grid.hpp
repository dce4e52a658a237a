#pragma once

// Runs a grid: the blocks one after the other, a block's threads as fibers that meet at barriers.

#include <driver_types.h>

#include <cstddef>
#include <functional>
#include <string>

namespace emulator {

struct Launch {
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  const void* kernel = nullptr;
  std::function<void()> thread;
};

/// Throws Error where the kernel does what is undefined on a device. One launch at a time: the caller holds the lock.
void run_grid(const Launch& launch);

/// The name of the function at `address`, or the address.
std::string symbol_name(const void* address);

}  // namespace emulator
