#pragma once

#include <nvembed/mask/mask.hpp>

namespace nvembed::mask {

/// A token sees at most `left` tokens before and `right` tokens after itself. Mistral's `sliding_window` w counts the
/// token itself: `Causal{} & Window{w - 1, 0}`.
struct Window {
  static constexpr bool exact_keys = true;
  Index left = 0, right = 0;

  NVEMBED_HD bool allows(Index q, Index k, const Segment&) const { return k - q <= right && q - k <= left; }
  NVEMBED_HD Range keys(Range queries, const Segment& s) const {
    const Index begin = queries.begin > left ? queries.begin - left : 0;
    const Index end = s.size - queries.end > right ? queries.end + right : s.size;
    return {begin, end};
  }
  bool operator==(const Window&) const = default;
};

}  // namespace nvembed::mask
