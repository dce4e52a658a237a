#pragma once

#include <nvembed/core/shape.hpp>

namespace nvembed::search {

/// One document of a ranking.
struct Ranked {
  float score = 0;  ///< computed in double and rounded
  Index row = 0;
  bool operator==(const Ranked&) const = default;
};

}  // namespace nvembed::search
