#pragma once

#include <nvembed/mask/mask.hpp>

namespace nvembed::mask {

/// A token sees itself and what stands before it.
struct Causal {
  static constexpr bool exact_keys = true;
  NVEMBED_HD bool allows(Index q, Index k, const Segment&) const { return k <= q; }
  NVEMBED_HD Range keys(Range queries, const Segment&) const { return {0, queries.end}; }
  bool operator==(const Causal&) const = default;
};

}  // namespace nvembed::mask
