#include <doctest/doctest.h>

#include <nvembed/embed/quantize.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("int8: round(127 x), halves to even, clamped") {
  const std::vector<float> row{0.0f, 1.0f, -1.0f, 0.5f / 127, 1.5f / 127, 2.5f / 127, -1.5f / 127, 2.0f, -2.0f, 0.01f};
  CHECK(to_int8(row) == std::vector<std::int8_t>{0, 127, -127, 0, 2, 2, -2, 127, -127, 1});
}

TEST_CASE("binary: sign bits, most significant first, as numpy.packbits(x > 0)") {
  const std::vector<float> row{1, -1, 0, 1, 1, -0.0f, -1, 1, 1e-20f, -1};
  CHECK(to_binary(row) == std::vector<std::uint8_t>{0b10011001, 0b10000000});
  CHECK(to_binary({}).empty());
}
