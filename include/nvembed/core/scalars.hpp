#pragma once

#include <cstddef>
#include <nvembed/core/precision.hpp>
#include <tuple>

namespace nvembed {

namespace detail {
template <class B>
struct Scalars {
  using type = std::tuple<float>;
};
template <class B>
requires requires { typename B::Scalars; }
struct Scalars<B> {
  using type = typename B::Scalars;
};
}  // namespace detail

/// The types that activations of a loaded model may have on back end B: float alone, unless B names a tuple `Scalars`.
/// Which of them goes with a precision, `B::scalar(precision)` tells by its place.
template <class B>
using scalars_t = typename detail::Scalars<B>::type;

template <class B>
std::size_t scalar_of(Precision precision) {
  if constexpr (requires { B::scalar(precision); })
    return B::scalar(precision);
  else
    return 0;
}

}  // namespace nvembed
