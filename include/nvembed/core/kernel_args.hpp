#pragma once

#include <cstdint>
#include <nvembed/core/view.hpp>

namespace nvembed {

/// How the two halves of a row are joined. `swiglu`: silu(first) * second (Llama's gate comes first).
/// `geglu`: first * gelu(second), exact erf form (NV-Embed's gate comes second).
enum class Gate : std::uint8_t { swiglu, geglu };

/// Added to a product while its tile is still in cache. Empty views are left out.
template <class T>
struct LinearExtras {
  VecView<const T> bias;      // (out)
  MatView<const T> residual;  // (rows, out)
};

/// What attention needs to know beside its operands.
struct AttentionShape {
  Index heads = 0, kv_heads = 0, head_dim = 0;
  double scale = 1;  // softmax(scale * q k^T)
};

}  // namespace nvembed
