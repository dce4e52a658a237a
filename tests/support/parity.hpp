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

/// Largest difference of op(inputs of `shapes`) between B, with activations of type T, and the Eigen reference in
/// double, from the same inputs: values of T.
template <class B, class T = float, class Op>
double difference(const Op& op, const std::vector<nvembed::Shape>& shapes) {
  const auto run = [&]<class Back, class S>(std::type_identity<Back>, std::type_identity<S>) {
    const Back be(2);
    nvembed::Eval<Back> cx(be);
    std::vector<nvembed::Tensor<Back, S>> in;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      std::vector<S> values;
      for (const T x : random<T>(shapes[i].size(), 100 + i)) values.push_back(static_cast<S>(static_cast<float>(x)));
      in.push_back(nvembed::Tensor<Back, S>::from_host(cx.lane(), shapes[i], values));
    }
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
    std::vector<double> values;
    for (const S v : y.to_host(cx.lane())) {
      if constexpr (std::is_same_v<S, double>)
        values.push_back(v);
      else
        values.push_back(static_cast<double>(static_cast<float>(v)));
    }
    return values;
  };
  return max_abs_difference(run(std::type_identity<B>{}, std::type_identity<T>{}),
                            run(std::type_identity<nvembed::eigen::Backend>{}, std::type_identity<double>{}));
}

}  // namespace parity
