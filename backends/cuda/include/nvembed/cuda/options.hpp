#pragma once

namespace nvembed::cuda {

/// What a CUDA back end may be asked for.
struct Options {
  int device = 0;     ///< its number, as CUDA_VISIBLE_DEVICES leaves it
  bool tf32 = false;  ///< f32 products on tensor cores, their inputs rounded to TF32 (10 bits of mantissa)
  /// cuDNN's attention where it knows mask and shape, in builds that have it (NVEMBED_WITH_CUDNN): DeviceError in
  /// others. That a text's vector keeps its bits whatever its batch is this library's promise, not cuDNN's.
  bool cudnn_attention = false;
};

}  // namespace nvembed::cuda
