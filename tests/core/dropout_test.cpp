#include <doctest/doctest.h>

#include <cmath>
#include <nvembed/core/dropout.hpp>
#include <support/backends.hpp>
#include <support/parity.hpp>
#include <vector>

using namespace nvembed;

namespace {

Dropout dropout(double p, std::uint64_t seed, std::vector<std::uint64_t> rows) {
  return {CounterRng(seed), std::make_shared<const std::vector<std::uint64_t>>(std::move(rows)), p};
}

}  // namespace

TEST_CASE("dropout drops its share, keeps the mean, and goes by row and column alone") {
  constexpr Index n = 40001;  // no multiple of the four columns of a draw
  const std::vector<double> ones(n, 1);
  const auto dropped = [&](const Dropout& d, Index row) {
    std::vector<double> y(n);
    d.apply_row(row, ones.data(), n, y.data());
    return y;
  };
  for (const double p : {0.1, 0.5, 0.9}) {
    const auto y = dropped(dropout(p, 1, {77}), 0);
    Index zeros = 0;
    double sum = 0;
    for (const double v : y) {
      zeros += v == 0;
      sum += v;
      if (v != 0) CHECK(v == doctest::Approx(1 / (1 - p)).epsilon(2e-4));
    }
    CHECK(std::abs(static_cast<double>(zeros) / n - p) < 0.01);  // four standard deviations
    CHECK(std::abs(sum / n - 1) < 0.06);
  }
  CHECK(dropped(dropout(0.5, 1, {77}), 0) == dropped(dropout(0.5, 1, {5, 77}), 1));  // wherever the row stands
  CHECK(dropped(dropout(0.5, 1, {77}), 0) != dropped(dropout(0.5, 1, {78}), 0));
  CHECK(dropped(dropout(0.5, 1, {77}), 0) != dropped(dropout(0.5, 2, {77}), 0));
  CHECK(!dropout(0, 1, {1}));
  CHECK(!Dropout{CounterRng(1), nullptr, 0.5});
}

#if defined(NVEMBED_WITH_ONEDNN)
TEST_CASE("back ends drop the same elements, in place too") {
  const eigen::Backend reference(1);
  const onednn::Backend be(2);
  auto lane = reference.make_lane();
  auto other = be.make_lane();
  const Dropout d = dropout(0.3, 4, {1, 2, 3, 4, 5});
  auto x = parity::random_tensor<eigen::Backend, float>(lane, {5, 33}, 8);
  auto y = parity::random_tensor<onednn::Backend, float>(other, {5, 33}, 8);
  Tensor<eigen::Backend, float> expected(lane, {5, 33});
  reference.dropout(lane, std::as_const(x).mat(), d, expected.mat());
  be.dropout(other, std::as_const(y).mat(), d, y.mat());
  CHECK(y.to_host(other) == expected.to_host(lane));
}
#endif
