#pragma once

#include <memory>
#include <mutex>
#include <nvembed/core/config.hpp>
#include <nvembed/core/host_lane.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::onednn {

/// y (tile, n) = x (tile, k) w^T with w (n, k) packed into the layout that oneDNN likes best for it: one
/// single-threaded primitive, made once a shape and shared by all weights and threads; beside it one of fewer rows for
/// the last, partly filled tile, where the bits stay the same. Hides oneDNN's headers.
class Product {
 public:
  /// Rows; figures in docs/backends/onednn.md.
#if defined(__x86_64__)
  static constexpr Index tile = 64, few_rows = 16;
#else
  static constexpr Index tile = 60, few_rows = 12;  // `gemm:ref` takes rows by sixes and rounds the rest otherwise
#endif

  NVEMBED_INLINE Product(Index k, Index n);
  NVEMBED_INLINE ~Product();

  /// Bytes of a packed weight.
  NVEMBED_INLINE Index packed_bytes() const;
  /// w (n, k) row-major to `packed`, 64-byte aligned.
  NVEMBED_INLINE void pack(const float* w, std::byte* packed) const;
  /// x and y dense, of `tile` rows, of which the first `rows` count; the rest of y may be left as it is. `scratch` of
  /// scratch_bytes(), 64-byte aligned.
  NVEMBED_INLINE void run(const float* x, Index rows, const std::byte* packed, float* y, std::byte* scratch) const;
  NVEMBED_INLINE Index scratch_bytes() const;
  /// The other direction, from the same packed weight: dx (tile, k) += dy (tile, n) w. `turn` brings a packed weight
  /// into the layout of `run_dx`, of turned_bytes(); both make their primitives when they are first called.
  NVEMBED_INLINE Index turned_bytes() const;
  NVEMBED_INLINE void turn(const std::byte* packed, std::byte* turned) const;
  NVEMBED_INLINE void run_dx(const float* dy, const std::byte* turned, float* dx, std::byte* scratch) const;
  NVEMBED_INLINE Index dx_scratch_bytes() const;
  /// Which of oneDNN's implementations it is: `brg:avx512_core`.
  NVEMBED_INLINE const char* implementation() const;

 private:
  struct Impl;
  struct Dx;
  NVEMBED_INLINE const Dx& dx() const;

  std::unique_ptr<const Impl> impl_;
  mutable std::once_flag dx_once_;
  mutable std::unique_ptr<const Dx> dx_;
};

/// y (m, n) = alpha op(a) op(b) + beta y, plain row-major matrices; op turns where it is asked to. Single-threaded.
NVEMBED_INLINE void sgemm(bool turn_a, bool turn_b, Index m, Index n, Index k, float alpha, const float* a, Index lda,
                          const float* b, Index ldb, float beta, float* y, Index ldy);

/// The same as cpu::BackwardKernels takes it.
struct Gemm {
  static void run(bool turn_a, bool turn_b, Index m, Index n, Index k, const float* a, Index lda, const float* b,
                  Index ldb, float beta, float* y, Index ldy) {
    sgemm(turn_a, turn_b, m, n, k, 1.0f, a, lda, b, ldb, beta, y, ldy);
  }
};

/// Keeps OpenMP (oneDNN's threads) to one thread on the calling thread while it lives: threads are ours.
class OneThread {
 public:
  NVEMBED_INLINE OneThread();
  NVEMBED_INLINE ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  /// For threads that are ours for good.
  NVEMBED_INLINE static void for_ever();

 private:
  int before_;
};

}  // namespace nvembed::onednn

#if !defined(NVEMBED_COMPILED)
#include <nvembed/onednn/product.inl>
#endif
