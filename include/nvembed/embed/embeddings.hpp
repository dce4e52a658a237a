#pragma once

#include <nvembed/core/shape.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// Vectors of texts, one row a text in the caller's order, on the host.
struct Embeddings {
  Index rows = 0, dim = 0;
  std::vector<float> values;     ///< (rows, dim) row-major
  std::vector<Index> truncated;  ///< numbers of the texts that were cut at max_length, ascending
  std::vector<Index> empty;  ///< numbers of the texts that left nothing to pool; their rows are zero (OnEmpty::zero)
  Index tokens = 0;          ///< tokens that went through the model

  std::span<const float> operator[](Index row) const {
    return {values.data() + row * dim, static_cast<std::size_t>(dim)};
  }
  std::span<float> operator[](Index row) { return {values.data() + row * dim, static_cast<std::size_t>(dim)}; }
};

/// States of all tokens of all texts, unpooled: text i has the rows [offsets[i], offsets[i + 1]).
struct TokenStates {
  Index dim = 0;
  std::vector<Index> offsets;  ///< (texts + 1)
  std::vector<float> values;   ///< (tokens, dim) row-major
  std::vector<Index> truncated;
};

}  // namespace nvembed
