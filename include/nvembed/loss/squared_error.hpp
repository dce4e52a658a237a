#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/host_op.hpp>
#include <string_view>

namespace nvembed::loss {

namespace detail {
struct SquaredErrorRows {
  static constexpr std::string_view name = "squared_error";
  static constexpr std::size_t inputs = 2;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[2], HostMatrix<W>* const (&dx)[2], bool) const {
    const double n = static_cast<double>(x[0]->values.size());
    W sum(0);
    for (std::size_t k = 0; k < x[0]->values.size(); ++k) {
      const W error = x[0]->values[k] - x[1]->values[k];
      sum += error * error;
      if (dx[0]) dx[0]->values[k] += error * (2 / n);
      if (dx[1]) dx[1]->values[k] -= error * (2 / n);
    }
    return sum / n;
  }
};
}  // namespace detail

/// mean over all elements of (a - b)^2, of matrices of any kind, (n, d) both -> (1, 1).
template <Context C, class Var>
auto squared_error(C& cx, const Var& a, const Var& b) {
  detail::require_same_shape<C>("squared_error", a, b);
  return cx.apply(HostOp<detail::SquaredErrorRows>{}, a, b);
}

}  // namespace nvembed::loss
