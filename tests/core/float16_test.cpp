#include <doctest/doctest.h>

#include <cmath>
#include <nvembed/core/float16.hpp>

using nvembed::Float16;

TEST_CASE("float16: every finite value survives the way to float and back") {
  for (std::uint32_t b = 0; b < 0x10000u; ++b) {
    const auto h = Float16::from_bits(static_cast<std::uint16_t>(b));
    const float f = static_cast<float>(h);
    if (std::isnan(f)) {
      CHECK(std::isnan(static_cast<float>(Float16(f))));
      continue;
    }
    REQUIRE(Float16(f).bits == b);
  }
}

TEST_CASE("float16: rounds to nearest, ties to even") {
  CHECK(Float16(1.0f).bits == 0x3C00);
  CHECK(Float16(1.0f + 0x1p-11f).bits == 0x3C00);             // tie, even below
  CHECK(Float16(1.0f + 0x1p-11f + 0x1p-20f).bits == 0x3C01);  // above the tie
  CHECK(Float16(1.0f + 3 * 0x1p-11f).bits == 0x3C02);         // tie, even above
  CHECK(Float16(65504.0f).bits == 0x7BFF);
  CHECK(Float16(65519.9f).bits == 0x7BFF);
  CHECK(Float16(65520.0f).bits == 0x7C00);
  CHECK(Float16(-0x1p-24f).bits == 0x8001);
  CHECK(Float16(0x1p-25f).bits == 0x0000);  // tie to zero
  CHECK(Float16(0x1.8p-25f).bits == 0x0001);
  CHECK(Float16(0x1.ffcp-15f).bits == 0x0400 - 0);  // largest subnormal rounds up to the smallest normal
}
