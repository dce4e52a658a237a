#pragma once

namespace nvembed::cuda {

/// What a CUDA back end may be asked for.
struct Options {
  int device = 0;     ///< its number, as CUDA_VISIBLE_DEVICES leaves it
  bool tf32 = false;  ///< f32 products on tensor cores, their inputs rounded to TF32 (10 bits of mantissa)
  /// Weights of precision int8 as whole numbers with one step for an output row, multiplied as such: the rows that they
  /// are multiplied with are rounded to whole numbers too. Farther from f32 (docs/numerics.md), for less work.
  bool int8_products = false;
  /// cuDNN's attention where it knows mask and shape, in builds that have it (NVEMBED_WITH_CUDNN): DeviceError in
  /// others. That a text's vector keeps its bits whatever its batch is this library's promise, not cuDNN's.
  bool cudnn_attention = false;
};

}  // namespace nvembed::cuda
