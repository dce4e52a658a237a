#include <doctest/doctest.h>

#include <nvembed/core/fnv1a.hpp>
#include <string_view>

using namespace nvembed;

TEST_CASE("fnv1a gives its authors' numbers") {  // test vectors of draft-eastlake-fnv
  const auto of = [](std::string_view text) { return fnv1a(std::as_bytes(std::span(text))); };
  CHECK(of("") == 0xCBF29CE484222325u);
  CHECK(of("a") == 0xAF63DC4C8601EC8Cu);
  CHECK(of("foobar") == 0x85944171F73967E8u);
}
