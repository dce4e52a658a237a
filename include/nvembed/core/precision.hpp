#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nvembed {

/// How a frozen weight is held after packing; activations and accumulation are f32 (or wider). `int8`: bytes, with
/// a step and a minimum for 32 inputs of an output row (Q8_0 where the file has it). `fp8`: E4M3 with one step for an
/// output row; where the hardware multiplies in it, inputs of a product are rounded to it as well. `q4`: blocks of few
/// bits, those of the file where it has them, else Q4_0. Rows that are no whole blocks are held in f16 instead (but
/// E4M3 is not in blocks where it is multiplied).
enum class Precision : std::uint8_t { f32, f16, bf16, int8, fp8, q4 };

inline constexpr std::array<std::string_view, 6> precision_names{"f32", "f16", "bf16", "int8", "fp8", "q4"};
inline std::string_view name(Precision p) { return precision_names[static_cast<std::size_t>(p)]; }
inline std::optional<Precision> parse_precision(std::string_view text) {
  for (std::size_t i = 0; i < precision_names.size(); ++i)
    if (precision_names[i] == text) return static_cast<Precision>(i);
  return std::nullopt;
}

/// Which products a packed weight must serve: y = x W^T alone, or dx = dy W as well (fine-tuning through frozen
/// weights).
enum class Use : std::uint8_t { forward, both };

}  // namespace nvembed
