#pragma once

#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>

namespace nvembed {

namespace detail {
template <class T>
struct Accumulate {
  using type = T;
};
template <>
struct Accumulate<Float16> {
  using type = float;
};
template <>
struct Accumulate<BFloat16> {
  using type = float;
};
}  // namespace detail

/// What statistics, tables and final vectors are kept in where activations are T: float for the 16-bit types, which are
/// for storing alone; T itself for all others.
template <class T>
using accumulate_t = typename detail::Accumulate<T>::type;

}  // namespace nvembed
