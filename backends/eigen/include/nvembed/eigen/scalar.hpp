#pragma once

#include <complex>

namespace nvembed::eigen {

/// Real type behind a scalar, and the type sums over tokens are kept in.
template <class T>
struct ScalarTraits {
  using real = T;
  using wide = double;
};
template <class R>
struct ScalarTraits<std::complex<R>> {
  using real = R;
  using wide = std::complex<double>;
};
template <class T>
using real_t = typename ScalarTraits<T>::real;
template <class T>
using wide_t = typename ScalarTraits<T>::wide;

/// What comparisons look at: maxima must not depend on an imaginary step.
template <class T>
T real_part(const T& x) {
  return x;
}
template <class R>
R real_part(const std::complex<R>& x) {
  return x.real();
}

}  // namespace nvembed::eigen
