#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

/// The one table of tolerances: largest absolute differences. Where the numbers come from stands in
/// tests/golden/README.md.
namespace tolerance {
inline constexpr double embedding = 2e-6;  // NV-Embed unit vectors against the released code
inline constexpr double hidden = 3e-5;     // token states of the tiny checkpoints, values up to 7
inline constexpr double pooled = 5e-5;     // heads in float against float64, values up to 15
inline constexpr double product = 2e-5;    // f32 products of up to 1600 numbers below 1/2, against double
#if defined(__x86_64__)
inline constexpr double onednn_product = product;
#else  // oneDNN adds a row's products one after the other there; rounding grows with the square root of their number
inline constexpr double onednn_product = 4e-5;
#endif
inline constexpr double cuda_product = 4e-5;  // one after the other, too: 2.2e-5 was met on an H100
inline constexpr double exact = 1e-12;        // double against double
inline constexpr double optim = 1e-6;         // 50 updates in float, as a part of the largest weight
inline constexpr double smollm2_row = 2e-3;   // SmolLM2 token states, values up to 55
inline constexpr double smollm2_mean = 5e-4;  // their means
}  // namespace tolerance

template <class A, class B>
double max_abs_difference(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
  }
  return worst;
}

template <class A, class B>
double cosine(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    ab += x * y, aa += x * x, bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}
