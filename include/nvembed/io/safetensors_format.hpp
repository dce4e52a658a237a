#pragma once

#include <limits>
#include <nvembed/core/raw_weight.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// What reading and writing `.safetensors` files share.
namespace nvembed::detail {

/// Bytes of one element; 0 for a dtype that is not known (its tensors are listed, their size is not checked).
inline Index safetensors_element_bytes(std::string_view dtype) {
  static constexpr std::pair<std::string_view, Index> table[] = {
      {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8},  {"I32", 4},     {"I16", 2},    {"I8", 1},
      {"U64", 8}, {"U32", 4}, {"U16", 2},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  for (const auto& [name, bytes] : table)
    if (name == dtype) return bytes;
  return 0;
}

inline std::optional<DType> safetensors_dtype(std::string_view dtype) {
  for (const DType t : {DType::f32, DType::f16, DType::bf16, DType::f64})
    if (info(t).name == dtype) return t;
  return {};
}

/// Elements of a shape, or nothing where the product does not fit.
inline std::optional<Index> element_count(std::span<const Index> shape) {
  Index n = 1;
  for (const Index e : shape) {
    if (e != 0 && n > std::numeric_limits<Index>::max() / e) return {};
    n *= e;
  }
  return n;
}

inline std::string shape_text(std::span<const Index> shape) {
  std::string s = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
  return s + ")";
}

}  // namespace nvembed::detail
