#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nvembed/core/float8.hpp>
#include <support/golden.hpp>

using namespace nvembed;

TEST_CASE("float8: values and rounding are those of torch's float8_e4m3fn, saturated") {
  const Safetensors file(golden::path("quant/float8.safetensors"));
  const auto values = golden::values(file, "values"), x = golden::values(file, "f32");
  REQUIRE(values.size() == 256);
  for (std::size_t i = 0; i < 256; ++i) {
    CAPTURE(i);
    const auto v = static_cast<float>(Float8::from_bits(static_cast<std::uint8_t>(i)));
    if (std::isnan(values[i]))
      CHECK(std::isnan(v));
    else
      CHECK((v == static_cast<float>(values[i]) && std::signbit(v) == std::signbit(values[i])));
  }
  const auto& bits = file.at("bits").bytes;
  REQUIRE(bits.size() == x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    CHECK(Float8(static_cast<float>(x[i])).bits == std::to_integer<std::uint8_t>(bits[i]));
  }
  CHECK(std::isnan(static_cast<float>(Float8(std::numeric_limits<float>::quiet_NaN()))));
}
