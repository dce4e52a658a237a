#pragma once

#include <cmath>
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

/// The error function; of a complex number for a tiny imaginary part, as complex steps have it (the standard library
/// has none).
template <class T>
T error_function(const T& x) {
  return std::erf(x);
}
template <class R>
std::complex<R> error_function(const std::complex<R>& z) {
  return {std::erf(z.real()), z.imag() * R(1.12837916709551257390) * std::exp(-z.real() * z.real())};  // 2 / sqrt(pi)
}

}  // namespace nvembed::eigen
