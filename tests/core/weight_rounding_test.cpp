#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/float8.hpp>
#include <nvembed/core/weight_rounding.hpp>
#include <support/golden.hpp>
#include <support/random.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("weight rounding: Q4_0 blocks are those of the gguf package") {
  const Safetensors file(golden::path("quant/rounding.safetensors"));
  const auto values = golden::values(file, "f32");
  const std::vector<float> x(values.begin(), values.end());
  const auto& expected = file.at("q4_0");
  const Index rows = expected.shape[0], row_bytes = expected.shape[1], cols = row_bytes / 18 * 32;
  std::vector<std::byte> blocks(static_cast<std::size_t>(row_bytes));
  for (Index r = 0; r < rows; ++r) {
    CAPTURE(r);
    quantize_q4_0(x.data() + r * cols, cols, blocks.data());
    CHECK(std::memcmp(blocks.data(), expected.bytes.data() + r * row_bytes, blocks.size()) == 0);
  }
}

TEST_CASE("weight rounding: int8 is at most half a step off, beside what 16 bits cost the step and the minimum") {
  for (const float spread : {1e-3f, 1.0f, 500.0f}) {
    auto x = random(320, 7);
    for (float& v : x) v *= spread;
    std::fill_n(x.begin() + 64, 32, 0.25f * spread);  // a block without a step
    std::vector<std::byte> blocks(10 * 36);
    quantize_q8_m(x.data(), 320, blocks.data());
    std::vector<float> y(320);
    dequantize(DType::q8_m, blocks.data(), 320, y.data());
    for (std::size_t b = 0; b < 320; b += 32) {
      const auto [low, high] = std::minmax_element(x.begin() + static_cast<std::ptrdiff_t>(b),
                                                   x.begin() + static_cast<std::ptrdiff_t>(b) + 32);
      const auto rounding = [](float v) { return std::max(std::ldexp(std::fabs(v), -11), std::ldexp(1.0f, -25)); };
      const float step = (*high - *low) / 255;
      const float most = step / 2 * 1.001f + 255 * rounding(step) + rounding(*low);
      for (std::size_t i = b; i < b + 32; ++i) CHECK(std::fabs(y[i] - x[i]) <= most);
    }
  }
}

TEST_CASE("weight rounding: fp8 is E4M3 of a row divided by one step, at most a sixteenth off") {
  auto x = random(320, 9);
  x[17] = -3.5f;  // the largest
  x[40] = 0;
  std::vector<std::byte> blocks(10 * 36);
  quantize_f8_r(x.data(), 320, blocks.data());
  std::vector<float> y(320);
  dequantize(DType::f8_r, blocks.data(), 320, y.data());
  const float step = 3.5f / 448;
  CHECK(y[17] == -448 * step);
  for (std::size_t i = 0; i < 320; ++i) {
    CHECK(y[i] == step * static_cast<float>(Float8(x[i] * (1 / step))));
    CHECK(std::fabs(y[i] - x[i]) <= std::max(std::fabs(x[i]) / 16, step * 0x1p-10f) * 1.0001f);
  }
  // Rows of zeros, and rows whose step has no inverse in float, are held too.
  for (const float v : {0.0f, 1e-44f, 3e38f}) {
    std::fill(x.begin(), x.end(), v);
    quantize_f8_r(x.data(), 320, blocks.data());
    dequantize(DType::f8_r, blocks.data(), 320, y.data());
    for (const float w : y) CHECK(std::fabs(w - v) <= std::max(v * 1e-6f, 1e-40f));
  }
}

TEST_CASE("weight rounding: what a type cannot hold is refused by name") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), large[] = {1, 65536};
  CHECK_THROWS_WITH_AS(check_fits(DType::f16, large, 2, "q_proj"), doctest::Contains("q_proj"), FileError);
  CHECK_THROWS_AS(check_fits(DType::bf16, &nan, 1, "w"), FileError);
  CHECK_NOTHROW(check_fits(DType::bf16, large, 2, "w"));
  CHECK_NOTHROW(check_fits(DType::f16, large, 1, "w"));
}
