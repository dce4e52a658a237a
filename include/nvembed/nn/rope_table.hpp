#pragma once

#include <nvembed/core/accumulate.hpp>
#include <nvembed/core/tensor.hpp>

namespace nvembed::nn {

/// cos and sin of every rotation angle up to the longest text of a batch, both (positions, head_dim / 2).
template <class B, class T>
struct RopeTable {
  Tensor<B, accumulate_t<T>> cos, sin;
};

}  // namespace nvembed::nn
