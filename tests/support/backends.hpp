#pragma once

#include <nvembed/eigen/backend.hpp>
#include <support/compare.hpp>
#include <type_traits>
#if defined(NVEMBED_WITH_ONEDNN)
#include <nvembed/onednn/backend.hpp>
#define NVEMBED_TEST_ONEDNN , nvembed::onednn::Backend
#else
#define NVEMBED_TEST_ONEDNN
#endif
#if defined(NVEMBED_WITH_CUDA)
#include <nvembed/cuda/backend.hpp>
#define NVEMBED_TEST_CUDA , nvembed::cuda::Backend
#else
#define NVEMBED_TEST_CUDA
#endif

/// Every back end for float that this build has; CUDA's runs on a device, or on the emulated one.
#define NVEMBED_TEST_BACKENDS nvembed::eigen::Backend NVEMBED_TEST_ONEDNN NVEMBED_TEST_CUDA

/// Those that hold weights in less memory than as floats.
#if defined(NVEMBED_WITH_ONEDNN)
#define NVEMBED_TEST_PACKING_BACKENDS nvembed::onednn::Backend NVEMBED_TEST_CUDA
#elif defined(NVEMBED_WITH_CUDA)
#define NVEMBED_TEST_PACKING_BACKENDS nvembed::cuda::Backend
#endif

/// The tolerance of f32 products on back end B.
template <class B>
inline constexpr double product_tolerance = tolerance::product;
#if defined(NVEMBED_WITH_ONEDNN)
template <>
inline constexpr double product_tolerance<nvembed::onednn::Backend> = tolerance::onednn_product;
#endif
#if defined(NVEMBED_WITH_CUDA)
template <>
inline constexpr double product_tolerance<nvembed::cuda::Backend> = tolerance::cuda_product;
#endif
