#pragma once

#include <doctest/doctest.h>

#include <complex>
#include <memory>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/eigen/backend.hpp>
#include <support/parity.hpp>
#include <utility>
#include <vector>

/// Gradients on a tape in double against complex steps: d f / d x = Im f(x + i h) / h, exact to rounding for a tiny h.
namespace complex_step {

using B = nvembed::eigen::Backend;
using nvembed::Index;
using nvembed::Shape;
using nvembed::Tensor;
using Complex = std::complex<double>;

inline constexpr double h = 1e-30, tolerance = 1e-9;

/// f(cx, inputs...) is made of ops for any scalar. All gradients of sum(seed * f), for a random seed, are compared;
/// relative to the largest of the input's.
template <std::size_t n, class F>
void check(F&& f, const Shape (&shapes)[n]) {
  const B be(2);
  std::vector<std::vector<double>> x;
  for (std::size_t i = 0; i < n; ++i) x.push_back(parity::random<double>(shapes[i].size(), 300 + i));

  const nvembed::Trainable none;
  nvembed::Tape<B, double> tape(be, none);
  std::vector<std::shared_ptr<Tensor<B, double>>> gradients;
  std::vector<nvembed::TapeVar<B, double>> vars;
  for (std::size_t i = 0; i < n; ++i) {
    gradients.push_back(std::make_shared<Tensor<B, double>>());
    vars.push_back(tape.input(Tensor<B, double>::from_host(tape.lane(), shapes[i], x[i]), gradients.back()));
  }
  const auto call = [&]<std::size_t... i>(auto& cx, const auto& in, std::index_sequence<i...>) {
    return f(cx, in[i]...);
  };
  const auto y = call(tape, vars, std::make_index_sequence<n>{});
  const std::vector<double> seed = parity::random<double>(y.value.size(), 77);
  std::move(tape).backward(y, Tensor<B, double>::from_host(tape.lane(), y.value.shape(), seed));

  for (std::size_t input = 0; input < n; ++input) {
    CAPTURE(input);
    REQUIRE(*gradients[input]);
    const std::vector<double> found = gradients[input]->to_host(tape.lane());
    std::vector<double> expected;
    for (Index e = 0; e < shapes[input].size(); ++e) {
      nvembed::Eval<B> cx(be);
      std::vector<Tensor<B, Complex>> in;
      for (std::size_t i = 0; i < n; ++i) {
        std::vector<Complex> z(x[i].begin(), x[i].end());
        if (i == input) z[static_cast<std::size_t>(e)] += Complex(0, h);
        in.push_back(Tensor<B, Complex>::from_host(cx.lane(), shapes[i], z));
      }
      const std::vector<Complex> z = call(cx, in, std::make_index_sequence<n>{}).to_host(cx.lane());
      double sum = 0;
      for (std::size_t k = 0; k < z.size(); ++k) sum += z[k].imag() / h * seed[k];
      expected.push_back(sum);
    }
    double largest = 0, worst = 0;
    for (std::size_t e = 0; e < expected.size(); ++e) {
      largest = std::max(largest, std::abs(expected[e]));
      worst = std::max(worst, std::abs(expected[e] - found[e]));
    }
    CHECK(largest > 0);
    CHECK(worst <= tolerance * largest);
  }
}

}  // namespace complex_step
