// Products in E4M3 and in whole numbers of 8 bits, held against their definition in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/float8.hpp>
#include <nvembed/core/tensor.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <nvembed/cuda/backend.hpp>
#include <nvembed/embed/load.hpp>
#include <support/compare.hpp>
#include <support/golden.hpp>
#include <support/parity.hpp>
#include <utility>
#include <vector>
#if defined(NVEMBED_CUDA_EMULATED)
#include <cuda_emulator/emulator.hpp>
#endif

using namespace nvembed;
using B = cuda::Backend;
using cuda::EightBit;

namespace {

/// A row as its 8 bits give it back.
std::vector<double> rounded(std::vector<float> row, EightBit type) {
  float largest = 0;
  for (const float v : row) largest = std::max(largest, std::fabs(v));
  const float step = row_step(largest, cuda::most_of(type)), inverse = 1 / step;
  std::vector<double> values;
  for (const float v : row)
    values.push_back(static_cast<double>(step) * (type == EightBit::e4m3
                                                      ? static_cast<double>(static_cast<float>(Float8(v * inverse)))
                                                      : static_cast<double>(std::nearbyint(v * inverse))));
  return values;
}

struct Matrix {
  Index rows, cols;
  std::vector<float> values;

  Matrix(Index r, Index c, std::uint64_t seed) : rows(r), cols(c), values(parity::random<float>(r * c, seed)) {}
  std::vector<float> row(Index i) const { return {values.begin() + i * cols, values.begin() + (i + 1) * cols}; }
  RawWeight raw() const {
    return {std::as_bytes(std::span(values)), DType::f32, rows, cols, {}, nullptr, "some.weight"};
  }
};

template <class T>
Tensor<B, T> on_device(cuda::Lane& lane, const Matrix& m) {
  std::vector<T> values;
  for (const float v : m.values) values.push_back(static_cast<T>(v));
  return Tensor<B, T>::from_host(lane, {m.rows, m.cols}, values);
}

std::vector<float> floats(const auto& values) {
  std::vector<float> f;
  for (const auto v : values) f.push_back(static_cast<float>(v));
  return f;
}

B backend(EightBit type) { return B(2, {.int8_products = type == EightBit::int8}); }
Precision precision(EightBit type) { return type == EightBit::int8 ? Precision::int8 : Precision::fp8; }

/// Whether the device has products of the type: all have whole numbers, and E4M3 those from 8.9 on.
bool serves(const B& be, EightBit type) {
  const Matrix m(16, 16, 1);
  const RawWeight raw = m.raw();
  const bool has = be.pack<Float16>(std::span(&raw, 1), precision(type), Use::forward).eight_bit() == type;
#if defined(NVEMBED_CUDA_EMULATED)
  REQUIRE(has);
#else
  if (!has) MESSAGE("this device has no products in E4M3");
#endif
  return has;
}

/// y = x W^T (+ bias + residual) of a weight stacked of two, against the definition; `every`th rows of x are checked.
template <class T>
void check_linear(EightBit type, Index n, Index rows, Index cols, bool extras, Index every = 1) {
  CAPTURE(n);
  CAPTURE(rows);
  CAPTURE(cols);
  const B be = backend(type);
  auto lane = be.make_lane();
  const Matrix a(rows - 3, cols, 1), b(3, cols, 2), x(n, cols, 3), bias(1, rows, 4), residual(n, rows, 5);
  const std::vector<RawWeight> raw{a.raw(), b.raw()};
  const auto w = be.template pack<T>(raw, precision(type), Use::forward);
  if (!serves(be, type)) return;
  REQUIRE(w.eight_bit() == type);
  CHECK(w.bytes() == rows * cols + rows * 4);
  const auto in = on_device<T>(lane, x), add = on_device<T>(lane, bias), add_rows = on_device<T>(lane, residual);
  Tensor<B, T> y(lane, {n, rows});
  be.linear(lane, in.mat(), w, extras ? LinearExtras<T>{add.flat(), add_rows.mat()} : LinearExtras<T>{}, y.mat());
  const auto got = floats(y.to_host(lane));
  const auto held_x = floats(in.to_host(lane)), held_bias = floats(add.to_host(lane)),
             held_residual = floats(add_rows.to_host(lane));

  std::vector<std::vector<double>> weights;
  for (Index r = 0; r < rows; ++r) weights.push_back(rounded(r < a.rows ? a.row(r) : b.row(r - a.rows), type));
  double worst = 0, largest = 0;
  for (Index i = 0; i < n; i += every) {
    const auto xi = rounded({held_x.begin() + i * cols, held_x.begin() + (i + 1) * cols}, type);
    for (Index r = 0; r < rows; ++r) {
      double sum = 0;
      for (Index c = 0; c < cols; ++c)
        sum += xi[static_cast<std::size_t>(c)] * weights[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)];
      if (extras)
        sum += static_cast<double>(held_bias[static_cast<std::size_t>(r)]) +
               static_cast<double>(held_residual[static_cast<std::size_t>(i * rows + r)]);
      worst = std::max(worst, std::fabs(sum - static_cast<double>(got[static_cast<std::size_t>(i * rows + r)])));
      largest = std::max(largest, std::fabs(sum));
    }
  }
  CHECK(largest > 1);
  // Half a step of the result's type, and what the sum adds to it: a little in f32; chips may keep 13 bits of E4M3's.
#if defined(NVEMBED_CUDA_EMULATED)
  const double sum_error = 0;
#else
  const double sum_error = type == EightBit::e4m3 ? std::ldexp(largest, -13) : 0;
#endif
  CHECK(worst <= std::ldexp(largest, std::is_same_v<T, Float16> ? -11 : -8) * 1.01 + sum_error);
}

const std::string tiny = golden::path("nvembed_tiny");

}  // namespace

TEST_CASE_TEMPLATE("cuda: products in 8 bits are those of the rounded rows", T, Float16, BFloat16) {
  for (const EightBit type : {EightBit::e4m3, EightBit::int8}) {
    CAPTURE(static_cast<int>(type));
    for (const Index n : {1, 7, 130})
      for (const auto& [rows, cols] : {std::pair<Index, Index>{16, 16}, {48, 208}, {304, 64}})
        for (const bool extras : {false, true}) check_linear<T>(type, n, rows, cols, extras);
    check_linear<T>(type, 5, 16, 4096, true);
  }
}

TEST_CASE("cuda: products in 8 bits over several panels of sums") {
  CHECK(cuda::eight_bit_panel(1, 30000) == 30000);
  CHECK(cuda::eight_bit_panel(16384, 30000) == 2048);
  CHECK(cuda::eight_bit_panel(9000, 30000) == 2048);
  CHECK(cuda::eight_bit_panel(4096, 30000) == 8192);
  for (const EightBit type : {EightBit::e4m3, EightBit::int8}) check_linear<Float16>(type, 8193, 2064, 16, true, 331);
}

TEST_CASE("cuda: a row's product in 8 bits does not depend on its batch") {
  for (const EightBit type : {EightBit::e4m3, EightBit::int8}) {
    const B be = backend(type);
    auto lane = be.make_lane();
    const Matrix weight(64, 96, 1), x(150, 96, 2);
    const RawWeight raw = weight.raw();
    const auto w = be.pack<Float16>(std::span(&raw, 1), precision(type), Use::forward);
    const auto product = [&](Index first, Index n) {
      Matrix part(n, 96, 0);
      std::copy_n(x.values.begin() + first * 96, n * 96, part.values.begin());
      const auto in = on_device<Float16>(lane, part);
      Tensor<B, Float16> y(lane, {n, 64});
      be.linear(lane, in.mat(), w, LinearExtras<Float16>{}, y.mat());
      return floats(y.to_host(lane));
    };
    const auto all = product(0, 150);
    for (const auto& [first, n] : {std::pair<Index, Index>{0, 1}, {149, 1}, {70, 17}}) {
      const auto some = product(first, n);
      CHECK(std::equal(some.begin(), some.end(), all.begin() + first * 64));
    }
  }
}

TEST_CASE("cuda: what 8-bit products do not serve is widened") {
  const auto holds = [](const B& be, Index rows, Index cols, Precision p) {
    const Matrix m(rows, cols, 1);
    const RawWeight raw = m.raw();
    return be.pack<Float16>(std::span(&raw, 1), p, Use::forward).eight_bit();
  };
  const B plain(1), whole = backend(EightBit::int8);
  if (serves(plain, EightBit::e4m3)) CHECK(holds(plain, 32, 32, Precision::fp8) == EightBit::e4m3);
  CHECK(holds(plain, 40, 32, Precision::fp8) == EightBit::none);
  CHECK(holds(plain, 32, 40, Precision::fp8) == EightBit::none);
  CHECK(holds(plain, 32, 32, Precision::int8) == EightBit::none);
  CHECK(holds(whole, 32, 32, Precision::int8) == EightBit::int8);
  CHECK(holds(whole, 32, 32, Precision::f16) == EightBit::none);
  const Matrix m(32, 32, 1);
  const RawWeight raw = m.raw();
  CHECK(plain.pack<float>(std::span(&raw, 1), Precision::fp8, Use::forward).eight_bit() == EightBit::none);
  CHECK(plain.pack_table<Float16>(std::span(&raw, 1), Precision::fp8).eight_bit() == EightBit::none);
#if defined(NVEMBED_CUDA_EMULATED)
  emulator::device().major = 8, emulator::device().minor = 6;
  const B ampere(1);
  CHECK(holds(ampere, 32, 32, Precision::fp8) == EightBit::none);
  emulator::reset();
#endif
}

TEST_CASE("cuda: a weight held in 8 bits serves the other direction by its values") {
  for (const EightBit type : {EightBit::e4m3, EightBit::int8}) {
    const B be = backend(type);
    auto lane = be.make_lane();
    const Matrix weight(64, 32, 1), dy(7, 64, 2);
    const RawWeight raw = weight.raw();
    const auto w = be.pack<Float16>(std::span(&raw, 1), precision(type), Use::both);
    const auto in = on_device<Float16>(lane, dy);
    Tensor<B, Float16> dx(lane, {7, 32});
    be.linear_dx(lane, in.mat(), w, dx.mat());
    const auto got = floats(dx.to_host(lane)), held = floats(in.to_host(lane));
    std::vector<double> expected(7 * 32);
    for (Index r = 0; r < 64; ++r) {
      const auto row = rounded(weight.row(r), type);
      for (Index i = 0; i < 7; ++i)
        for (Index c = 0; c < 32; ++c)
          expected[static_cast<std::size_t>(i * 32 + c)] +=
              static_cast<double>(held[static_cast<std::size_t>(i * 64 + r)]) * row[static_cast<std::size_t>(c)];
    }
    CHECK(max_abs_difference(got, expected) < 4e-3);  // values and result rounded to f16, up to 5
  }
}

TEST_CASE("cuda: numbers that are none are refused in weights, and not lost in rows") {
  for (const EightBit type : {EightBit::e4m3, EightBit::int8})
    for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      const B be = backend(type);
      auto lane = be.make_lane();
      Matrix weight(32, 32, 1), x(2, 32, 2);
      const RawWeight raw = weight.raw();
      const auto w = be.pack<Float16>(std::span(&raw, 1), precision(type), Use::forward);
      weight.values[100] = bad;
      CHECK_THROWS_WITH_AS(be.pack<Float16>(std::span(&raw, 1), precision(type), Use::forward),
                           doctest::Contains("some.weight"), FileError);
      x.values[5] = bad;
      const auto in = on_device<Float16>(lane, x);
      Tensor<B, Float16> y(lane, {2, 32});
      be.linear(lane, in.mat(), w, LinearExtras<Float16>{}, y.mat());
      const auto got = floats(y.to_host(lane));
      CHECK(std::none_of(got.begin(), got.begin() + 32, [](float v) { return std::isfinite(v); }));
      CHECK(std::all_of(got.begin() + 32, got.end(), [](float v) { return std::isfinite(v); }));
    }
}

TEST_CASE("cuda: a whole model in fp8, and in int8 with products of whole numbers") {
  const std::vector<std::string> texts{"the sea", "who keeps an old machine running?",
                                       "A bug that disappears when you look for it."};
  const auto vectors = [&](const B& be, const char* p) {
    const auto model = load<B>(std::make_shared<const B>(be), tiny, {.precision = p});
    return model.encode(texts, {.instruction = "Find it"});
  };
  const auto judge = [&] {
    const auto model = load<eigen::Backend>(tiny, {.precision = "f32"});
    return model.encode(texts, {.instruction = "Find it"});
  }();
  const auto least = [&](const Embeddings& e) {
    double c = 1;
    for (Index i = 0; i < e.rows; ++i) c = std::min(c, cosine(e[i], judge[i]));
    return c;
  };
  const B plain(1), whole = backend(EightBit::int8);
  const double fp8 = least(vectors(plain, "fp8")), int8 = least(vectors(whole, "int8"));
  const double widened = least(vectors(plain, "int8"));
  CAPTURE(fp8);
  CAPTURE(int8);
  CAPTURE(widened);
  CHECK(widened > int8);
  CHECK(int8 > 0.999);
  CHECK(fp8 > 0.99);
  CHECK(fp8 < 0.99999);  // it was not f16
}
