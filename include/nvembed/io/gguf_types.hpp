#pragma once

#include <cstdint>
#include <nvembed/core/raw_weight.hpp>
#include <optional>
#include <string_view>

namespace nvembed {

/// A tensor type of GGUF files: its size is known for all, how to decode it for those with a DType.
struct GgmlType {
  std::uint32_t number;
  std::string_view name;
  Index block;  ///< elements in one block
  Index bytes;  ///< bytes of one block
  std::optional<DType> dtype{};
};

/// The type of that number (ggml's `enum ggml_type`), or nullptr.
inline const GgmlType* ggml_type(std::uint32_t number) {
  static constexpr GgmlType table[] = {{0, "F32", 1, 4, DType::f32},
                                       {1, "F16", 1, 2, DType::f16},
                                       {2, "Q4_0", 32, 18, DType::q4_0},
                                       {3, "Q4_1", 32, 20, DType::q4_1},
                                       {6, "Q5_0", 32, 22, DType::q5_0},
                                       {7, "Q5_1", 32, 24, DType::q5_1},
                                       {8, "Q8_0", 32, 34, DType::q8_0},
                                       {9, "Q8_1", 32, 40},
                                       {10, "Q2_K", 256, 84},
                                       {11, "Q3_K", 256, 110},
                                       {12, "Q4_K", 256, 144, DType::q4_k},
                                       {13, "Q5_K", 256, 176, DType::q5_k},
                                       {14, "Q6_K", 256, 210, DType::q6_k},
                                       {15, "Q8_K", 256, 292},
                                       {16, "IQ2_XXS", 256, 66},
                                       {17, "IQ2_XS", 256, 74},
                                       {18, "IQ3_XXS", 256, 98},
                                       {19, "IQ1_S", 256, 50},
                                       {20, "IQ4_NL", 32, 18},
                                       {21, "IQ3_S", 256, 110},
                                       {22, "IQ2_S", 256, 82},
                                       {23, "IQ4_XS", 256, 136},
                                       {24, "I8", 1, 1},
                                       {25, "I16", 1, 2},
                                       {26, "I32", 1, 4},
                                       {27, "I64", 1, 8},
                                       {28, "F64", 1, 8, DType::f64},
                                       {29, "IQ1_M", 256, 56},
                                       {30, "BF16", 1, 2, DType::bf16},
                                       {34, "TQ1_0", 256, 54},
                                       {35, "TQ2_0", 256, 66},
                                       {39, "MXFP4", 32, 17}};
  for (const GgmlType& t : table)
    if (t.number == number) return &t;
  return nullptr;
}

}  // namespace nvembed
