#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// The best candidates that score less than a share of the positive's score: the rule of NV-Embed-v2 (arXiv 2405.17428,
/// section 4.1.1), and the best one in NV-Retriever. A share of a score below zero lies above it, which would let pass
/// what scores higher than the positive; there the limit is as far below the score as it would be were it positive:
/// s - (1 - share) |s|.
struct TopKPercPos {
  double share = 0.95;

  double limit(double positive) const { return positive >= 0 ? positive * share : positive * (2 - share); }
  Index skipped() const { return 0; }
  void check() const {
    require<InputError>(share > 0 && share <= 1, "mining", "a share of ", share,
                        " of the positive's score; it is above 0 and at most 1");
  }
};

}  // namespace nvembed::train
