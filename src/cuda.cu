#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/cuda/backend.cuh>
#include <nvembed/mask/bidirectional.hpp>
#include <nvembed/mask/both.hpp>
#include <nvembed/mask/causal.hpp>
#include <nvembed/mask/prefix.hpp>
#include <nvembed/mask/window.hpp>

namespace nvembed::cuda {
// NOLINTBEGIN(bugprone-macro-parentheses): types
#define NVEMBED_MASK(T, ...)                                                                                 \
  template void Backend::attention(Lane&, MatView<const T>, MatView<const T>, MatView<const T>,              \
                                   std::span<const Segment>, const __VA_ARGS__&, AttentionShape, MatView<T>, \
                                   VecView<float>) const;
#define NVEMBED_KERNELS(T)                                                                                           \
  template DeviceWeight Backend::pack<T>(std::span<const RawWeight>, Precision, Use) const;                          \
  template DeviceWeight Backend::pack_table<T>(std::span<const RawWeight>, Precision) const;                         \
  template void Backend::embedding(Lane&, std::span<const TokenId>, const DeviceWeight&, MatView<T>) const;          \
  template void Backend::linear(Lane&, MatView<const T>, const DeviceWeight&, LinearExtras<T>, MatView<T>) const;    \
  template void Backend::linear_dx(Lane&, MatView<const T>, const DeviceWeight&, MatView<T>) const;                  \
  template void Backend::gated_linear(Lane&, MatView<const T>, const DeviceWeight&, VecView<const T>, Gate,          \
                                      MatView<T>) const;                                                             \
  template void Backend::matmul(Lane&, MatView<const T>, bool, MatView<const T>, bool, T, MatView<T>) const;         \
  template void Backend::gated(Lane&, MatView<const T>, Gate, MatView<T>) const;                                     \
  template void Backend::add(Lane&, MatView<const T>, MatView<const T>, MatView<T>) const;                           \
  template void Backend::cast(Lane&, MatView<const T>, MatView<float>) const;                                        \
  template void Backend::rms_norm(Lane&, MatView<const T>, VecView<const T>, double, MatView<T>, VecView<float>)     \
      const;                                                                                                         \
  template void Backend::head_rms_norm(Lane&, MatView<const T>, VecView<const T>, double, MatView<T>) const;         \
  template void Backend::layer_norm(Lane&, MatView<const T>, VecView<const T>, VecView<const T>, double, MatView<T>, \
                                    VecView<float>, VecView<float>) const;                                           \
  template void Backend::rope(Lane&, MatView<const T>, std::span<const Segment>, MatView<const float>,               \
                              MatView<const float>, MatView<T>) const;                                               \
  template void Backend::softmax(Lane&, MatView<const T>, Index, double, MatView<T>) const;                          \
  template void Backend::gather_rows(Lane&, MatView<const T>, std::span<const Index>, MatView<T>) const;             \
  template void Backend::segment_mean(Lane&, MatView<const T>, std::span<const Segment>, MatView<T>) const;          \
  template void Backend::segment_weighted_mean(Lane&, MatView<const T>, std::span<const Segment>, MatView<T>) const; \
  template void Backend::l2_normalize(Lane&, MatView<const T>, MatView<T>, VecView<float>) const;                    \
  NVEMBED_MASK(T, mask::Bidirectional)                                                                               \
  NVEMBED_MASK(T, mask::Causal)                                                                                      \
  NVEMBED_MASK(T, mask::Window)                                                                                      \
  NVEMBED_MASK(T, mask::Prefix)                                                                                      \
  NVEMBED_MASK(T, mask::Both<mask::Causal, mask::Window>)
// NOLINTEND(bugprone-macro-parentheses)
NVEMBED_KERNELS(float)
NVEMBED_KERNELS(Float16)
NVEMBED_KERNELS(BFloat16)
#undef NVEMBED_KERNELS
#undef NVEMBED_MASK
}  // namespace nvembed::cuda
