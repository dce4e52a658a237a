#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvembed/core/bfloat16.hpp>
#include <nvembed/core/float16.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/tensor.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <support/backends.hpp>
#include <support/compare.hpp>
#include <support/random.hpp>
#include <type_traits>
#include <vector>

using namespace nvembed;

namespace {

/// A stored matrix with random content, in the given type.
struct Stored {
  std::vector<std::byte> bytes;
  RawWeight raw;
  Stored(DType type, Index rows, Index cols, std::uint64_t seed) {
    const auto values = random(rows * cols, seed);
    bytes.resize(static_cast<std::size_t>(rows * (cols / info(type).block * info(type).bytes)));
    for (Index i = 0; i < rows * cols; ++i) {
      const float v = values[static_cast<std::size_t>(i)];
      const std::uint16_t half = Float16(v).bits, brain = BFloat16(v).bits;
      if (type == DType::f32) std::memcpy(bytes.data() + i * 4, &v, 4);
      if (type == DType::f16) std::memcpy(bytes.data() + i * 2, &half, 2);
      if (type == DType::bf16) std::memcpy(bytes.data() + i * 2, &brain, 2);
    }
    if (type == DType::q4_0) quantize_q4_0(values.data(), rows * cols, bytes.data());
    raw = {bytes, type, rows, cols, {}, nullptr, "test"};
  }
};

template <class B, class W>
std::vector<float> product(const B& be, const W& w, const std::vector<float>& x, Index rows) {
  auto lane = be.make_lane();
  const auto in = Tensor<B, float>::from_host(lane, {rows, w.cols()}, x);
  Tensor<B, float> y(lane, {rows, w.rows()});
  be.linear(lane, in.mat(), w, LinearExtras<float>{}, y.mat());
  return y.to_host(lane);
}

template <class B, class W>
std::vector<float> product_dx(const B& be, const W& w, const std::vector<float>& dy, Index rows) {
  auto lane = be.make_lane();
  const auto in = Tensor<B, float>::from_host(lane, {rows, w.rows()}, dy);
  Tensor<B, float> dx(lane, {rows, w.cols()});
  be.linear_dx(lane, in.mat(), w, dx.mat());
  return dx.to_host(lane);
}

constexpr Precision all[] = {Precision::f32,  Precision::f16, Precision::bf16,
                             Precision::int8, Precision::fp8, Precision::q4};

}  // namespace

TEST_CASE("precision: names") {
  for (const Precision p : all) CHECK(parse_precision(name(p)) == p);
  CHECK_FALSE(parse_precision("f8"));
}

TEST_CASE("precision: values that Q8_M and Q4_0 hold exactly come back; what does not fit a type is named") {
  float row[32], rounded[32];
  for (int i = 0; i < 32; ++i) row[i] = static_cast<float>(i == 31 ? 255 : i * 8) * 0.5f - 3.0f;
  std::copy_n(row, 32, rounded);
  round_row(Precision::int8, DType::f32, rounded, 32);
  for (int i = 0; i < 32; ++i) CHECK(rounded[i] == row[i]);
  // Values that Q4_0 holds exactly come back.
  for (int i = 0; i < 32; ++i) row[i] = static_cast<float>(i % 16 - 8) * 0.25f;
  std::copy_n(row, 32, rounded);
  round_row(Precision::q4, DType::f32, rounded, 32);
  for (int i = 0; i < 32; ++i) CHECK(rounded[i] == row[i]);
  row[5] = INFINITY;
  for (const DType t : {DType::f16, DType::bf16, DType::q8_m, DType::f8_r})
    CHECK_THROWS_WITH_AS(check_fits(t, row, 32, "some.key"), doctest::Contains("some.key"), FileError);
}

TEST_CASE_TEMPLATE("precision: a product is that of the rounded weights, whatever the file's type", B,
                   NVEMBED_TEST_BACKENDS) {
  constexpr double bound = product_tolerance<B>;
  const B be(2);
  for (const auto& [rows, cols] : {std::pair<Index, Index>{7, 32}, {130, 96}, {64, 5}, {1100, 64}, {34, 1600}}) {
    for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q4_0}) {
      if (cols % info(type).block) continue;
      const Stored a(type, rows, cols, 1), b(DType::f16, 16, cols, 2);
      const std::vector<RawWeight> raw{a.raw, b.raw};  // two types stacked
      for (const Precision p : all) {
        CAPTURE(name(p));
        CAPTURE(info(type).name);
        CAPTURE(rows);
        CAPTURE(cols);
        // The definition, in double.
        std::vector<float> weights;
        for (const RawWeight& r : raw)
          for (Index i = 0; i < r.rows; ++i) {
            std::vector<float> row(static_cast<std::size_t>(cols));
            dequantize_row(r, i, row.data());
            round_row(p, r.dtype, row.data(), cols);
            weights.insert(weights.end(), row.begin(), row.end());
          }
        const auto w = be.template pack<float>(raw, p, Use::forward);
        CHECK(w.rows() == rows + 16);
        const Index n = 70;
        const auto x = random(n * cols, 3);
        const auto y = product(be, w, x, n);
        double worst = 0;
        for (Index i = 0; i < n; ++i)
          for (Index r = 0; r < w.rows(); ++r) {
            double sum = 0;
            for (Index c = 0; c < cols; ++c)
              sum += static_cast<double>(x[static_cast<std::size_t>(i * cols + c)]) *
                     static_cast<double>(weights[static_cast<std::size_t>(r * cols + c)]);
            worst = std::max(worst, std::abs(sum - static_cast<double>(y[static_cast<std::size_t>(i * w.rows() + r)])));
          }
        CHECK(worst < bound);
        // The other direction, from the same packed copy: dx = dy W.
        const auto dy = random(n * w.rows(), 4);
        const auto dx = product_dx(be, w, dy, n);
        worst = 0;
        for (Index i = 0; i < n; ++i)
          for (Index c = 0; c < cols; ++c) {
            double sum = 0;
            for (Index r = 0; r < w.rows(); ++r)
              sum += static_cast<double>(dy[static_cast<std::size_t>(i * w.rows() + r)]) *
                     static_cast<double>(weights[static_cast<std::size_t>(r * cols + c)]);
            worst = std::max(worst, std::abs(sum - static_cast<double>(dx[static_cast<std::size_t>(i * cols + c)])));
          }
        CHECK(worst < bound);
        // A row alone, and from other numbers of threads, has the same bits.
        for (const Index threads : {1, 3}) {
          const B other(threads);
          const auto again = other.template pack<float>(raw, p, Use::forward);
          for (const Index i : {0, 63, 69}) {
            const std::vector<float> one(x.begin() + i * cols, x.begin() + (i + 1) * cols);
            const auto alone = product(other, again, one, 1);
            CHECK(std::memcmp(alone.data(), y.data() + i * w.rows(), alone.size() * sizeof(float)) == 0);
            const std::vector<float> one_dy(dy.begin() + i * w.rows(), dy.begin() + (i + 1) * w.rows());
            const auto alone_dx = product_dx(other, again, one_dy, 1);
            CHECK(std::memcmp(alone_dx.data(), dx.data() + i * cols, alone_dx.size() * sizeof(float)) == 0);
          }
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("precision: a table's rows are the rounded ones", B, NVEMBED_TEST_BACKENDS) {
  const B be(2);
  auto lane = be.make_lane();
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q4_0})
    for (const Precision p : all) {
      CAPTURE(name(p));
      CAPTURE(info(type).name);
      const Stored s(type, 100, 96, 4);
      const auto table = be.template pack_table<float>(std::span(&s.raw, 1), p);
      const std::vector<TokenId> ids{99, 0, 64, 64};
      std::vector<float> row(96);
      Tensor<B, float> looked_up(lane, {4, 96});
      be.embedding(lane, std::span<const TokenId>(ids), table, looked_up.mat());
      const auto y = looked_up.to_host(lane);
      for (std::size_t i = 0; i < ids.size(); ++i) {
        dequantize_row(s.raw, ids[i], row.data());
        round_row(p, type, row.data(), 96);
        CHECK(std::equal(row.begin(), row.end(), y.begin() + static_cast<std::ptrdiff_t>(i * 96)));
      }
    }
}

TEST_CASE_TEMPLATE("precision: less memory is held, and 16-bit floats refuse what they cannot hold", B,
                   NVEMBED_TEST_PACKING_BACKENDS) {
  const B be(1);
  const Stored s(DType::f16, 512, 512, 5);
  const auto bytes = [&](Precision p) {
    return be.template pack<float>(std::span(&s.raw, 1), p, Use::forward).bytes();
  };
  CHECK(bytes(Precision::f32) == 512 * 512 * 4);
  CHECK(bytes(Precision::f16) == 512 * 512 * 2);
  CHECK(bytes(Precision::bf16) == 512 * 512 * 2);
  CHECK(bytes(Precision::int8) == 512 * 512 / 32 * 36);
  CHECK(bytes(Precision::fp8) == 512 * 512 / 32 * 36);
  CHECK(bytes(Precision::q4) == 512 * 512 / 32 * 18);
  Stored large(DType::f32, 16, 16, 6);
  const float v = 70000;
  std::memcpy(large.bytes.data() + 40, &v, 4);
  CHECK_THROWS_WITH_AS(be.template pack<float>(std::span(&large.raw, 1), Precision::f16, Use::forward),
                       doctest::Contains("needs BF16"), FileError);
  CHECK(be.template pack<float>(std::span(&large.raw, 1), Precision::bf16, Use::forward).rows() == 16);
}
