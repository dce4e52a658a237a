#pragma once

#include <concepts>
#include <nvembed/core/error.hpp>
#include <nvembed/core/segment.hpp>
#include <type_traits>

namespace nvembed {

/// Which keys a query sees. Positions count from 0 inside one text. `allows` is the definition; `keys` gives a range
/// that holds every key that some query of `queries` may see, so that kernels can skip the rest; what it has outside
/// the text does not count. A mask is a value without pointers, the same on host and device, and must let every query
/// see at least one key: attention throws otherwise.
template <class M>
concept Mask = std::is_trivially_copyable_v<M> &&
    requires(const M m, Index q, Index k, Range queries, const Segment& s) {
  { m.allows(q, k, s) } -> std::same_as<bool>;
  { m.keys(queries, s) } -> std::same_as<Range>;
};

/// Whether a mask says `static constexpr bool exact_keys = true`: for a single query, `keys` is exactly what `allows`
/// allows, so that kernels need not ask key by key.
template <class M>
inline constexpr bool exact_keys = false;
template <class M>
requires requires { M::exact_keys; }
inline constexpr bool exact_keys<M> = M::exact_keys;

/// The part of `mask.keys(queries, s)` that lies in the text: what kernels may read.
template <Mask M>
NVEMBED_HD Range keys_within(const M& mask, Range queries, const Segment& s) {
  const Range keys = mask.keys(queries, s);
  const Index begin = keys.begin > 0 ? keys.begin : 0, end = keys.end < s.size ? keys.end : s.size;
  return {begin, end > begin ? end : begin};
}

/// What kernels throw for a query that sees nothing.
[[noreturn]] inline void fail_blind_query(Index query, const Segment& s) {
  fail<InputError>("attention", "the mask hides every key from token ", query, " of text ", s.index, ", which has ",
                   s.size, " tokens");
}

}  // namespace nvembed
