#pragma once

#include <nvembed/cuda/attention_args.hpp>
#include <nvembed/cuda/attention_general.cuh>
#include <nvembed/cuda/attention_tensor.cuh>
#include <nvembed/cuda/element.hpp>
#include <nvembed/cuda/queue.hpp>
#include <nvembed/cuda/sight.cuh>

namespace nvembed::cuda {

/// Grouped-query attention inside each text, as `Kernels` has it: on tensor cores for 16-bit activations where head
/// size and alignment allow, in f32 else. Throws DeviceError for heads wider than 256.
template <Element T, class Sight>
void attention(const AttentionArgs<T>& args, const Sight& sight, Queue& queue) {
  if constexpr (sizeof(T) == 2)
    if (detail::fits_tensor(args)) return detail::attention_tensor(args, sight, queue);
  detail::attention_general(args, sight, queue);
}

}  // namespace nvembed::cuda
