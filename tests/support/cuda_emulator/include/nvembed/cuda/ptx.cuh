#pragma once
// Stands in for the library's header of this name, whose functions are single instructions of the device. Fragments lie
// in registers as PTX ISA 8.0 has it (9.7.14: mma.m16n8k16, ldmatrix).

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>

namespace emulator {
std::byte* shared_memory();
void copy_async(void* shared, const void* global, bool valid);
void commit_async();
void wait_async(int groups);
void require_aligned(const void* p, std::size_t alignment, const char* what);

struct Mma {
  float* d;
  const unsigned *a, *b;
};
struct Ldmatrix {
  const void* row;
  unsigned* r;
};
template <class T>
float element(unsigned pair, int which) {
  return static_cast<float>(T::from_bits(static_cast<std::uint16_t>(pair >> (16 * which))));
}
}  // namespace emulator

namespace nvembed::cuda {

inline std::byte* shared_memory() { return emulator::shared_memory(); }

template <class T>
unsigned round_pair(float low, float high) {
  return static_cast<unsigned>(T(low).bits) | static_cast<unsigned>(T(high).bits) << 16;
}

template <class T>
void mma_16x8x16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  emulator::Mma own{d, a, b};
  emulator::warp(emulator::Together::mma, 0xffffffffu, &own, [](void* const (&lanes)[32]) {
    float left[16][16], right[16][8];
    for (int lane = 0; lane < 32; ++lane) {
      const auto& m = *static_cast<emulator::Mma*>(lanes[lane]);
      const int group = lane / 4, place = lane % 4;
      for (int r = 0; r < 4; ++r)
        for (int e = 0; e < 2; ++e)
          left[group + r % 2 * 8][place * 2 + e + r / 2 * 8] = emulator::element<T>(m.a[r], e);
      for (int r = 0; r < 2; ++r)
        for (int e = 0; e < 2; ++e) right[place * 2 + e + r * 8][group] = emulator::element<T>(m.b[r], e);
    }
    for (int lane = 0; lane < 32; ++lane) {
      const auto& m = *static_cast<emulator::Mma*>(lanes[lane]);
      for (int i = 0; i < 4; ++i) {
        const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        float sum = m.d[i];
        for (int k = 0; k < 16; ++k) sum += left[row][k] * right[k][column];
        m.d[i] = sum;
      }
    }
  });
}

template <bool transposed>
void ldmatrix(unsigned (&r)[4], const void* row) {
  emulator::require_aligned(row, 16, "ldmatrix");
  emulator::Ldmatrix own{row, r};
  emulator::warp(emulator::Together::ldmatrix, 0xffffffffu, &own, [](void* const (&lanes)[32]) {
    std::uint16_t at[4][8][8];
    for (int lane = 0; lane < 32; ++lane)
      std::memcpy(at[lane / 8][lane % 8], static_cast<emulator::Ldmatrix*>(lanes[lane])->row, 16);
    for (int lane = 0; lane < 32; ++lane)
      for (int m = 0; m < 4; ++m) {
        const int i = lane / 4, j = lane % 4 * 2;
        const unsigned low = transposed ? at[m][j][i] : at[m][i][j];
        const unsigned high = transposed ? at[m][j + 1][i] : at[m][i][j + 1];
        static_cast<emulator::Ldmatrix*>(lanes[lane])->r[m] = low | high << 16;
      }
  });
}
inline void ldmatrix_x4(unsigned (&r)[4], const void* row) { ldmatrix<false>(r, row); }
inline void ldmatrix_x4_trans(unsigned (&r)[4], const void* row) { ldmatrix<true>(r, row); }

inline void copy_async_16(void* shared, const void* global, bool valid) {
  emulator::require_aligned(shared, 16, "cp.async to");
  if (valid) emulator::require_aligned(global, 16, "cp.async from");
  emulator::copy_async(shared, global, valid);
}
inline void commit_async() { emulator::commit_async(); }
template <int n>
void wait_async() {
  emulator::wait_async(n);
}

}  // namespace nvembed::cuda
