#pragma once

// What a running thread of a kernel sees: its place in the grid, barriers, the warp's exchanges, atomics.

#include <vector_types.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

// One launch runs at a time, so the place of the running thread is kept in plain globals.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace emulator::detail {

/// Runs once a meeting is complete: operands[lane] is what that lane brought; lanes are those of `mask`.
using WarpOperation = void (*)(unsigned mask, void* const* operands);

extern unsigned current_lane;

/// Waits until all lanes of `mask` have come with the same operation. Without an operation (__syncwarp) lanes that have
/// ended count as there; with one they are an error.
void meet_warp(unsigned mask, WarpOperation operation, void* operand);
/// __syncthreads(): threads that have ended count as there.
void meet_block();

std::byte* dynamic_shared();
void copy_async_16(void* shared, const void* global, bool valid);
void commit_async();
void wait_async(std::size_t groups_left);

struct ShuffleOperand {
  std::uint64_t bits;
  unsigned source;
};
void shuffle(unsigned mask, void* const* operands);

struct VoteOperand {
  bool predicate;
  unsigned ballot;
};
void vote(unsigned mask, void* const* operands);

template <class T>
T shuffle_from(unsigned mask, T value, unsigned source) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  ShuffleOperand operand{0, source};
  std::memcpy(&operand.bits, &value, sizeof value);
  meet_warp(mask, shuffle, &operand);
  std::memcpy(&value, &operand.bits, sizeof value);
  return value;
}

}  // namespace emulator::detail

inline void __syncthreads() { emulator::detail::meet_block(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulator::detail::meet_warp(mask, nullptr, nullptr); }
inline void __threadfence() {}
inline void __threadfence_block() {}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const unsigned lane = emulator::detail::current_lane, w = static_cast<unsigned>(width);
  return emulator::detail::shuffle_from(mask, value, (lane & ~(w - 1)) | (static_cast<unsigned>(source) & (w - 1)));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const unsigned lane = emulator::detail::current_lane, w = static_cast<unsigned>(width);
  return emulator::detail::shuffle_from(mask, value, (lane & (w - 1)) < delta ? lane : lane - delta);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const unsigned lane = emulator::detail::current_lane, w = static_cast<unsigned>(width);
  return emulator::detail::shuffle_from(mask, value, (lane & (w - 1)) + delta >= w ? lane : lane + delta);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32) {
  const unsigned lane = emulator::detail::current_lane, w = static_cast<unsigned>(width);
  const unsigned source = lane ^ static_cast<unsigned>(lane_mask);
  return emulator::detail::shuffle_from(mask, value, source > (lane | (w - 1)) ? lane : source);
}

inline unsigned __ballot_sync(unsigned mask, int predicate) {
  emulator::detail::VoteOperand operand{predicate != 0, 0};
  emulator::detail::meet_warp(mask, emulator::detail::vote, &operand);
  return operand.ballot;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

// One thread runs at a time: an atomic is a plain read and write.
template <class T>
T atomicExch(T* address, T value) {
  const T old = *address;
  *address = value;
  return old;
}
template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, static_cast<T>(*address + value));
}
template <class T>
T atomicSub(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, static_cast<T>(*address - value));
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return atomicExch(address, *address < value ? value : *address);
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return atomicExch(address, value < *address ? value : *address);
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, static_cast<T>(*address | value));
}
template <class T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  return atomicExch(address, static_cast<T>(*address & value));
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  static_assert(std::is_integral_v<T>);
  return *address == expected ? atomicExch(address, value) : *address;
}
