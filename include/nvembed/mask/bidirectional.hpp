#pragma once

#include <nvembed/mask/mask.hpp>

namespace nvembed::mask {

/// Every token sees every token of its text: a decoder with its causal mask removed (arXiv 2405.17428, 3.1).
struct Bidirectional {
  static constexpr bool exact_keys = true;
  NVEMBED_HD bool allows(Index, Index, const Segment&) const { return true; }
  NVEMBED_HD Range keys(Range, const Segment& s) const { return {0, s.size}; }
  bool operator==(const Bidirectional&) const = default;
};

}  // namespace nvembed::mask
