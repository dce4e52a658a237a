#pragma once

#include <nvembed/autograd/eval.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/eigen/backend.hpp>
#include <support/compare.hpp>
#include <vector>

/// Runs one op on a back end in float and on the reference in double, from the same random inputs.
namespace parity {

/// Values in [-1, 1), the same for the same seed.
template <class T>
std::vector<T> random(nvembed::Index n, std::uint64_t seed) {
  std::vector<T> v;
  for (nvembed::Index i = 0; i < n; ++i)
    v.push_back(static_cast<T>(
        static_cast<float>(2 * nvembed::CounterRng(seed).at(static_cast<std::uint64_t>(i)).uniform() - 1)));
  return v;
}

template <class B, class T>
nvembed::Tensor<B, T> random_tensor(typename B::Lane& lane, nvembed::Shape shape, std::uint64_t seed) {
  return nvembed::Tensor<B, T>::from_host(lane, shape, random<T>(shape.size(), seed));
}

/// Largest difference of op(inputs of `shapes`) between B in float and the Eigen reference in double.
template <class B, class Op>
double difference(const Op& op, const std::vector<nvembed::Shape>& shapes) {
  const auto run = [&]<class Back, class T>(std::type_identity<Back>, std::type_identity<T>) {
    const Back be(2);
    nvembed::Eval<Back> cx(be);
    std::vector<nvembed::Tensor<Back, T>> in;
    for (std::size_t i = 0; i < shapes.size(); ++i) in.push_back(random_tensor<Back, T>(cx.lane(), shapes[i], 100 + i));
    const auto y = [&] {
      if constexpr (requires { op.forward(be, cx.lane(), nullptr, in[0], in[0], in[0]); })
        if (in.size() == 3) return cx.apply(op, in[0], in[1], in[2]);
      if constexpr (requires { op.forward(be, cx.lane(), nullptr, in[0], in[0]); })
        if (in.size() == 2) return cx.apply(op, in[0], in[1]);
      if constexpr (requires { op.forward(be, cx.lane(), nullptr, in[0]); })
        if (in.size() == 1) return cx.apply(op, in[0]);
      FAIL("no such number of inputs");
      return in[0];
    }();
    return y.to_host(cx.lane());
  };
  return max_abs_difference(run(std::type_identity<B>{}, std::type_identity<float>{}),
                            run(std::type_identity<nvembed::eigen::Backend>{}, std::type_identity<double>{}));
}

}  // namespace parity
