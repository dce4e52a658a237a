#pragma once

// Stands in for the header of PTX instructions: same functions, run by the emulator. Instructions of a warp are
// meetings of all its 32 lanes.

#include <cuda_runtime.h>

#include <cstddef>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <type_traits>

namespace emulator::detail {

struct MmaOperand {
  float* d;           // (4): rows lane / 4 and lane / 4 + 8, columns 2 (lane % 4) and one more
  const unsigned* a;  // (4)
  const unsigned* b;  // (2)
};
void mma_float16(unsigned mask, void* const* operands);
void mma_bfloat16(unsigned mask, void* const* operands);

struct LdmatrixOperand {
  unsigned* r;  // (4)
  const void* row;
};
void ldmatrix_x4(unsigned mask, void* const* operands);
void ldmatrix_x4_trans(unsigned mask, void* const* operands);

}  // namespace emulator::detail

namespace nvembed::cuda {

/// Dynamic shared memory of the running block, 16-byte aligned.
inline std::byte* shared_memory() { return emulator::detail::dynamic_shared(); }

/// Two floats rounded to a pair of T, the first in the low half.
template <class T>
unsigned round_pair(float low, float high) {
  return static_cast<unsigned>(T(low).bits) | static_cast<unsigned>(T(high).bits) << 16;
}

/// D += A B, mma.sync.m16n8k16 with float accumulators: A (16, 16) by rows, B (16, 8) by columns.
template <class T>
void mma_16x8x16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  static_assert(std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>);
  emulator::detail::MmaOperand operand{d, a, b};
  emulator::detail::meet_warp(
      0xffffffffu, std::is_same_v<T, Float16> ? emulator::detail::mma_float16 : emulator::detail::mma_bfloat16,
      &operand);
}

/// Four 8x8 matrices of 16-bit elements; lane i gives the address of row i % 8 of matrix i / 8.
inline void ldmatrix_x4(unsigned (&r)[4], const void* row) {
  emulator::detail::LdmatrixOperand operand{r, row};
  emulator::detail::meet_warp(0xffffffffu, emulator::detail::ldmatrix_x4, &operand);
}
inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* row) {
  emulator::detail::LdmatrixOperand operand{r, row};
  emulator::detail::meet_warp(0xffffffffu, emulator::detail::ldmatrix_x4_trans, &operand);
}

/// Starts a copy of 16 bytes to shared memory; zeros, and nothing is read, where not `valid`. Until its group has been
/// waited for, the destination holds 0xFF bytes.
inline void copy_async_16(void* shared, const void* global, bool valid) {
  emulator::detail::copy_async_16(shared, global, valid);
}
inline void commit_async() { emulator::detail::commit_async(); }
/// Waits for all of this thread's groups but the last N.
template <int N>
void wait_async() {
  emulator::detail::wait_async(N);
}

}  // namespace nvembed::cuda
