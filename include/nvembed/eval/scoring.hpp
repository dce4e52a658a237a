#pragma once

#include <cstdint>
#include <nvembed/eval/dot_products.hpp>

namespace nvembed::eval {

/// How a query and a document are compared: embeddings by their cosine, term weights (Bm25) by their product.
enum class Similarity : std::uint8_t { cosine, dot };

/// What a task's score needs beside its texts' vectors.
struct Scoring {
  DotProducts dots;
  Similarity similarity = Similarity::cosine;
  std::uint64_t seed = 42;  ///< of resampling, draws and starting points
};

}  // namespace nvembed::eval
