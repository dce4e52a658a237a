#pragma once

#include <cstdint>

namespace nvembed {

/// How a frozen weight is held after packing. Activations and accumulation are f32 (or wider).
enum class Precision : std::uint8_t { f32 };

/// Which products a packed weight must serve: y = x W^T alone, or dx = dy W as well (fine-tuning through frozen
/// weights).
enum class Use : std::uint8_t { forward, both };

}  // namespace nvembed
