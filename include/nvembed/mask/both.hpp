#pragma once

#include <nvembed/mask/mask.hpp>

namespace nvembed::mask {

/// A key is seen where both masks let it be seen; written `a & b`.
template <Mask A, Mask B>
struct Both {
  static constexpr bool exact_keys = nvembed::exact_keys<A> && nvembed::exact_keys<B>;
  A a{};
  B b{};

  NVEMBED_HD bool allows(Index q, Index k, const Segment& s) const { return a.allows(q, k, s) && b.allows(q, k, s); }
  NVEMBED_HD Range keys(Range queries, const Segment& s) const {
    const Range x = a.keys(queries, s), y = b.keys(queries, s);
    const Range r{x.begin > y.begin ? x.begin : y.begin, x.end < y.end ? x.end : y.end};
    return r.begin < r.end ? r : Range{r.begin, r.begin};
  }
  bool operator==(const Both&) const = default;
};

template <Mask A, Mask B>
NVEMBED_HD constexpr Both<A, B> operator&(A a, B b) {
  return {a, b};
}

}  // namespace nvembed::mask
