#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <nvembed/core/raw_weight.hpp>
#include <support/backends.hpp>
#include <support/random.hpp>
#include <vector>

using namespace nvembed;

namespace {

RawWeight raw(const std::vector<float>& values, Index rows, Index cols) {
  return {std::as_bytes(std::span(values)), DType::f32, rows, cols, {}, nullptr, "test"};
}

}  // namespace

TEST_CASE_TEMPLATE("products: a view into wider rows gives the bits of a dense matrix", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  auto lane = be.make_lane();
  const Index cols = 32, rows = 16, stride = 48;
  const auto values = random(rows * cols, 1);
  const RawWeight w = raw(values, rows, cols);
  const auto packed = be.template pack<float>(std::span(&w, 1), Precision::f32, Use::forward);
  for (const Index n : {1, 63, 64, 65, 130}) {
    const auto wide = random(n * stride, 2);
    std::vector<float> dense;
    for (Index i = 0; i < n; ++i)
      dense.insert(dense.end(), wide.begin() + i * stride, wide.begin() + i * stride + cols);
    const MatView<const float> view{wide.data(), n, cols, stride}, plain{dense.data(), n, cols, cols};
    std::vector<float> a(static_cast<std::size_t>(n * rows)), b(a);
    be.linear(lane, view, packed, {}, {a.data(), n, rows, rows});
    be.linear(lane, plain, packed, {}, {b.data(), n, rows, rows});
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    for (Index i = 0; i < n; ++i)
      for (Index r = 0; r < rows; ++r) {
        double sum = 0;
        for (Index c = 0; c < cols; ++c)
          sum += static_cast<double>(wide[static_cast<std::size_t>(i * stride + c)]) *
                 static_cast<double>(values[static_cast<std::size_t>(r * cols + c)]);
        CHECK(std::abs(static_cast<double>(a[static_cast<std::size_t>(i * rows + r)]) - sum) < 1e-5);
      }
    a.resize(static_cast<std::size_t>(n * rows / 2)), b.resize(a.size());
    be.gated_linear(lane, view, packed, {}, Gate::swiglu, {a.data(), n, rows / 2, rows / 2});
    be.gated_linear(lane, plain, packed, {}, Gate::swiglu, {b.data(), n, rows / 2, rows / 2});
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
  }
}

TEST_CASE_TEMPLATE("products: a row's bits do not depend on its place", B, NVEMBED_TEST_BACKENDS) {
  const B be(1);
  auto lane = be.make_lane();
  constexpr Index n = 150;  // more than two tiles
  for (const auto& [rows, cols] : {std::pair<Index, Index>{34, 64}, {34, 1600}, {576, 576}}) {
    CAPTURE(rows);
    CAPTURE(cols);
    const auto values = random(rows * cols, 1), one = random(cols, 2), one_dy = random(rows, 3);
    std::vector<float> x, dy;
    for (Index i = 0; i < n; ++i) {
      x.insert(x.end(), one.begin(), one.end());
      dy.insert(dy.end(), one_dy.begin(), one_dy.end());
    }
    const RawWeight w = raw(values, rows, cols);
    const auto packed = be.template pack<float>(std::span(&w, 1), Precision::f32, Use::both);
    std::vector<float> y(static_cast<std::size_t>(n * rows)), dx(static_cast<std::size_t>(n * cols)), plain(y);
    be.linear(lane, {x.data(), n, cols, cols}, packed, {}, {y.data(), n, rows, rows});
    be.linear_dx(lane, {dy.data(), n, rows, rows}, packed, {dx.data(), n, cols, cols});
    const MatView<const float> matrix{values.data(), rows, cols, cols};
    be.matmul(lane, {x.data(), n, cols, cols}, false, matrix, true, 1.0f, {plain.data(), n, rows, rows});
    for (Index i = 1; i < n; ++i) {
      CAPTURE(i);
      CHECK(std::memcmp(y.data(), y.data() + i * rows, static_cast<std::size_t>(rows) * sizeof(float)) == 0);
      CHECK(std::memcmp(dx.data(), dx.data() + i * cols, static_cast<std::size_t>(cols) * sizeof(float)) == 0);
      CHECK(std::memcmp(plain.data(), plain.data() + i * rows, static_cast<std::size_t>(rows) * sizeof(float)) == 0);
    }
  }
}
