// What a warp does once its lanes have met.

#include <cstdint>
#include <cstring>
#include <cuda_emulator/device.hpp>
#include <memory>
#include <nvembed/cuda/ptx.cuh>
#include <string>

#include "emulator.hpp"

namespace emulator::detail {
namespace {

template <class F>
void for_lanes(unsigned mask, F&& f) {
  for (; mask != 0; mask &= mask - 1) f(static_cast<unsigned>(std::countr_zero(mask)));
}

template <class T>
T& operand_of(void* const* operands, unsigned lane) {
  return *static_cast<T*>(operands[lane]);
}

const float* float16_table() {
  static const auto table = [] {
    auto t = std::make_unique<float[]>(65536);
    for (unsigned i = 0; i < 65536; ++i)
      t[i] = static_cast<float>(nvembed::Float16::from_bits(static_cast<std::uint16_t>(i)));
    return t;
  }();
  return table.get();
}

/// Fragments of mma.m16n8k16, with g = lane / 4 and t = lane % 4, a register holding two neighbours, the lower half
/// first:
///   a[i]: row g + 8 (i % 2), columns 2 t + 8 (i / 2); b[i]: rows 2 t + 8 i, column g; d[i]: row g + 8 (i / 2), column
///   2 t + i % 2.
template <class Convert>
void mma(void* const* operands, Convert convert) {
  float a[16][16], b[16][8], d[16][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& o = operand_of<MmaOperand>(operands, lane);
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      a[g + 8 * (i % 2)][2 * t + 8 * (i / 2)] = convert(o.a[i] & 0xFFFFu);
      a[g + 8 * (i % 2)][2 * t + 8 * (i / 2) + 1] = convert(o.a[i] >> 16);
      d[g + 8 * (i / 2)][2 * t + i % 2] = o.d[i];
    }
    for (unsigned i = 0; i < 2; ++i) {
      b[2 * t + 8 * i][g] = convert(o.b[i] & 0xFFFFu);
      b[2 * t + 8 * i + 1][g] = convert(o.b[i] >> 16);
    }
  }
  for (unsigned m = 0; m < 16; ++m)
    for (unsigned k = 0; k < 16; ++k)
      for (unsigned n = 0; n < 8; ++n) d[m][n] += a[m][k] * b[k][n];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const auto& o = operand_of<MmaOperand>(operands, lane);
    for (unsigned i = 0; i < 4; ++i) o.d[i] = d[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2];
  }
}

/// elements[matrix][row][column] of the 32 rows that the lanes point at.
void load_matrices(void* const* operands, std::uint16_t (&elements)[4][8][8]) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    const void* row = operand_of<LdmatrixOperand>(operands, lane).row;
    if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0)
      throw Error("ldmatrix: the row of lane " + std::to_string(lane) + " is not 16-byte aligned");
    std::memcpy(elements[lane / 8][lane % 8], row, 16);
  }
}

}  // namespace

void shuffle(unsigned mask, void* const* operands) {
  std::uint64_t bits[32];
  for_lanes(mask, [&](unsigned lane) { bits[lane] = operand_of<ShuffleOperand>(operands, lane).bits; });
  for_lanes(mask, [&](unsigned lane) {
    auto& o = operand_of<ShuffleOperand>(operands, lane);
    if (o.source > 31 || (mask >> o.source & 1u) == 0)
      throw Error("a shuffle reads lane " + std::to_string(o.source) + ", which its mask leaves out");
    o.bits = bits[o.source];
  });
}

void vote(unsigned mask, void* const* operands) {
  unsigned ballot = 0;
  for_lanes(mask, [&](unsigned lane) {
    if (operand_of<VoteOperand>(operands, lane).predicate) ballot |= 1u << lane;
  });
  for_lanes(mask, [&](unsigned lane) { operand_of<VoteOperand>(operands, lane).ballot = ballot; });
}

void mma_float16(unsigned, void* const* operands) {
  mma(operands, [table = float16_table()](unsigned bits) { return table[bits]; });
}
void mma_bfloat16(unsigned, void* const* operands) {
  mma(operands, [](unsigned bits) { return std::bit_cast<float>(bits << 16); });
}

void ldmatrix_x4(unsigned, void* const* operands) {
  std::uint16_t e[4][8][8];
  load_matrices(operands, e);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint16_t* pair = &e[i][lane / 4][2 * (lane % 4)];
      operand_of<LdmatrixOperand>(operands, lane).r[i] = pair[0] | static_cast<unsigned>(pair[1]) << 16;
    }
}

void ldmatrix_x4_trans(unsigned, void* const* operands) {
  std::uint16_t e[4][8][8];
  load_matrices(operands, e);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = 2 * (lane % 4), column = lane / 4;
      operand_of<LdmatrixOperand>(operands, lane).r[i] =
          e[i][row][column] | static_cast<unsigned>(e[i][row + 1][column]) << 16;
    }
}

}  // namespace emulator::detail
