#pragma once

namespace nvembed::cuda {

/// What a CUDA back end may be asked for.
struct Options {
  int device = 0;     ///< its number, as CUDA_VISIBLE_DEVICES leaves it
  bool tf32 = false;  ///< f32 products on tensor cores, their inputs rounded to TF32 (10 bits of mantissa)
};

}  // namespace nvembed::cuda
