#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulator {

/// A matrix of attention as its graph describes it: `offsets` tells for each text where it begins, in elements.
struct Ragged {
  void* data = nullptr;
  const std::int32_t* offsets = nullptr;
  std::size_t heads = 0, head_stride = 0, row_stride = 0;  // elements
  const char* name = "";
};

/// softmax(scale q k^T) v inside each text, in double; a query sees keys with key + left > query, where there is a left
/// bound, and key <= query + right, where there is a right one.
struct Attention {
  bool bfloat16 = false;
  Ragged q, k, v, o;
  const std::int32_t *q_lengths = nullptr, *k_lengths = nullptr;
  std::size_t texts = 0, longest = 0, head_dim = 0;
  float scale = 1;
  std::int64_t left = -1, right = -1;  // none
};

/// Throws Error where a text is longer than the graph says or lies outside of its memory.
void attend(const Attention& a);

}  // namespace emulator
