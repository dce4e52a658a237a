#pragma once

#include <cuda_runtime.h>
#include <library_types.h>

#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <type_traits>

namespace nvembed::cuda {

/// A type that activations may have on a device.
template <class T>
concept Element = std::is_same_v<T, float> || std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

/// As cuBLAS and as files call it.
template <Element T>
inline constexpr cudaDataType_t data_type = std::is_same_v<T, float>     ? CUDA_R_32F
                                            : std::is_same_v<T, Float16> ? CUDA_R_16F
                                                                         : CUDA_R_16BF;
template <Element T>
inline constexpr DType dtype = std::is_same_v<T, float>     ? DType::f32
                               : std::is_same_v<T, Float16> ? DType::f16
                                                            : DType::bf16;

}  // namespace nvembed::cuda
