#pragma once

#include <cstdint>
#include <nvembed/eval/search.hpp>

namespace nvembed::eval {

/// What a task's score needs beside its texts' vectors.
struct Scoring {
  DotProducts dots;
  Similarity similarity = Similarity::cosine;
  std::uint64_t seed = 42;  ///< of resampling, draws and starting points
};

}  // namespace nvembed::eval
