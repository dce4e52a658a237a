#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/tensor.hpp>
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
    const auto wide_x = Tensor<B, float>::from_host(lane, {n, stride}, wide);
    const auto dense_x = Tensor<B, float>::from_host(lane, {n, cols}, dense);
    const auto view = wide_x.mat().columns(0, cols), plain = dense_x.mat();
    Tensor<B, float> from_view(lane, {n, rows}), from_plain(lane, {n, rows});
    be.linear(lane, view, packed, LinearExtras<float>{}, from_view.mat());
    be.linear(lane, plain, packed, LinearExtras<float>{}, from_plain.mat());
    auto a = from_view.to_host(lane), b = from_plain.to_host(lane);
    CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    for (Index i = 0; i < n; ++i)
      for (Index r = 0; r < rows; ++r) {
        double sum = 0;
        for (Index c = 0; c < cols; ++c)
          sum += static_cast<double>(wide[static_cast<std::size_t>(i * stride + c)]) *
                 static_cast<double>(values[static_cast<std::size_t>(r * cols + c)]);
        CHECK(std::abs(static_cast<double>(a[static_cast<std::size_t>(i * rows + r)]) - sum) < 1e-5);
      }
    Tensor<B, float> gated_view(lane, {n, rows / 2}), gated_plain(lane, {n, rows / 2});
    be.gated_linear(lane, view, packed, VecView<const float>{}, Gate::swiglu, gated_view.mat());
    be.gated_linear(lane, plain, packed, VecView<const float>{}, Gate::swiglu, gated_plain.mat());
    a = gated_view.to_host(lane), b = gated_plain.to_host(lane);
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
    const auto x_on = Tensor<B, float>::from_host(lane, {n, cols}, x);
    const auto dy_on = Tensor<B, float>::from_host(lane, {n, rows}, dy);
    const auto matrix = Tensor<B, float>::from_host(lane, {rows, cols}, values);
    Tensor<B, float> y_on(lane, {n, rows}), dx_on(lane, {n, cols}), plain_on(lane, {n, rows});
    be.linear(lane, x_on.mat(), packed, LinearExtras<float>{}, y_on.mat());
    be.linear_dx(lane, dy_on.mat(), packed, dx_on.mat());
    be.matmul(lane, x_on.mat(), false, matrix.mat(), true, 1.0f, plain_on.mat());
    const auto y = y_on.to_host(lane), dx = dx_on.to_host(lane), plain = plain_on.to_host(lane);
    for (Index i = 1; i < n; ++i) {
      CAPTURE(i);
      CHECK(std::memcmp(y.data(), y.data() + i * rows, static_cast<std::size_t>(rows) * sizeof(float)) == 0);
      CHECK(std::memcmp(dx.data(), dx.data() + i * cols, static_cast<std::size_t>(cols) * sizeof(float)) == 0);
      CHECK(std::memcmp(plain.data(), plain.data() + i * rows, static_cast<std::size_t>(rows) * sizeof(float)) == 0);
    }
  }
}
