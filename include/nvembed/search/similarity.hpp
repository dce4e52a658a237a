#pragma once

#include <cstdint>
#include <nvembed/embed/similarity.hpp>
#include <nvembed/search/vector_math.hpp>
#include <span>

namespace nvembed::search {

/// How a query and a document are compared: embeddings by their cosine, term weights (Bm25) by their product.
enum class Similarity : std::uint8_t { cosine, dot };

/// Of a query and a document, summed in double.
inline double similarity(std::span<const float> a, std::span<const float> b, Similarity by) {
  return by == Similarity::cosine ? cosine(a, b) : dot(a, b);
}

}  // namespace nvembed::search
