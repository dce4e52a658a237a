#pragma once

#include <cmath>
#include <complex>
#include <nvembed/loss/host_op.hpp>
#include <vector>

namespace nvembed::loss {

namespace detail {
inline double log_one_plus(double x) { return std::log1p(x); }
/// For a tiny imaginary part, as complex steps have it.
inline std::complex<double> log_one_plus(const std::complex<double>& x) {
  return {std::log1p(x.real()), x.imag() / (1 + x.real())};
}
}  // namespace detail

/// log(1 + sum_j exp(z_j)), the largest of 0 and all z_j taken out: finite for any z, and exact where all z_j lie far
/// below 0. 0 for no z. W is double or complex.
template <class W>
W log_one_plus_sum_exp(const std::vector<W>& z) {
  using std::exp;
  std::size_t top = z.size();
  for (std::size_t j = 0; j < z.size(); ++j)
    if (detail::real_part(z[j]) > (top == z.size() ? 0.0 : detail::real_part(z[top]))) top = j;
  const W largest = top == z.size() ? W(0) : z[top];
  W others = top == z.size() ? W(0) : exp(-largest);
  for (std::size_t j = 0; j < z.size(); ++j)
    if (j != top) others += exp(z[j] - largest);
  return largest + detail::log_one_plus(others);
}

}  // namespace nvembed::loss
