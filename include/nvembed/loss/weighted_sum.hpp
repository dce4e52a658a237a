#pragma once

#include <nvembed/autograd/context.hpp>
#include <nvembed/ops/add.hpp>
#include <nvembed/ops/matmul.hpp>
#include <span>
#include <type_traits>
#include <vector>

namespace nvembed::loss {

/// sum_k w_k l_k of losses (1, 1) -> (1, 1). Throws ShapeError unless there are as many weights as losses, and one at
/// least.
template <Context C, class Var>
Var weighted_sum(C& cx, const std::vector<Var>& losses, std::span<const double> weights) {
  require<ShapeError>(!losses.empty() && losses.size() == weights.size(), "weighted_sum", weights.size(),
                      " weights for ", losses.size(), " losses");
  using Value = std::remove_cvref_t<decltype(C::value(losses.front()))>;
  const typename Value::value_type one(1);
  const auto unit = cx.constant(Value::from_host(cx.lane(), {1, 1}, {&one, 1}));
  Var sum;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    Var term = cx.apply(ops::Matmul{false, weights[k]}, losses[k], unit);
    sum = k == 0 ? term : cx.apply(ops::Add{}, sum, term);
  }
  return sum;
}

}  // namespace nvembed::loss
