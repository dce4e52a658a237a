#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <nvembed/core/bfloat16.hpp>
#include <utility>

using nvembed::BFloat16;

TEST_CASE("bfloat16: rounds floats as torch does") {
  // torch.tensor(x, dtype=float32).to(torch.bfloat16), as bits
  const std::pair<std::uint32_t, std::uint16_t> cases[] = {
      {0x3F800000u, 0x3F80u}, {0x3F808000u, 0x3F80u},                          // 1; a tie, even below
      {0x3F808001u, 0x3F81u}, {0x3F818000u, 0x3F82u},                          // above the tie; a tie, even above
      {0x3F7FFFFFu, 0x3F80u}, {0x3EAAAAABu, 0x3EABu}, {0x40490FDBu, 0x4049u},  // below 1, 1/3, pi
      {0xBFB504F3u, 0xBFB5u},                                                  // -sqrt(2)
      {0x7F7F7FFFu, 0x7F7Fu}, {0x7F7F8000u, 0x7F80u}, {0x7F7FFFFFu, 0x7F80u},  // the largest; tie to infinity
      {0x7F800000u, 0x7F80u}, {0xFF800000u, 0xFF80u},                          // infinities
      {0x00000001u, 0x0000u}, {0x00008000u, 0x0000u},                          // subnormal: to zero
      {0x00008001u, 0x0001u}, {0x00018000u, 0x0002u}, {0x80018001u, 0x8002u},  // subnormal: not flushed
      {0x007FFFFFu, 0x0080u}, {0x80000000u, 0x8000u}};                         // to the smallest normal; -0
  for (const auto& [from, to] : cases) {
    CAPTURE(from);
    CHECK(BFloat16(std::bit_cast<float>(from)).bits == to);
  }
}

TEST_CASE("bfloat16: NaN stays NaN, also where its payload lies in the lower half alone") {
  for (const std::uint32_t nan : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFFFFFFFu}) {
    const BFloat16 h(std::bit_cast<float>(nan));
    CAPTURE(nan);
    CHECK(std::isnan(static_cast<float>(h)));
    CHECK(std::signbit(static_cast<float>(h)) == (nan >> 31 != 0));
  }
}

TEST_CASE("bfloat16: every value survives the way to float and back") {
  for (std::uint32_t b = 0; b < 0x10000u; ++b) {
    const float f = static_cast<float>(BFloat16::from_bits(static_cast<std::uint16_t>(b)));
    REQUIRE(std::bit_cast<std::uint32_t>(f) == b << 16);
    if (!std::isnan(f)) REQUIRE(BFloat16(f).bits == b);
  }
}
