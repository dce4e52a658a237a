#pragma once

#include <nvembed/core/tensor.hpp>

namespace nvembed {

/// A tensor that a module owns and a checkpoint names: norm weights, biases, latents. Trainable as it is.
template <class B, class T>
struct Parameter {
  Tensor<B, T> value;
};

}  // namespace nvembed
