#include <doctest/doctest.h>

#include <nvembed/batch/packed.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("packed: tokens one under the other, one segment a text") {
  const std::vector<TokenizedText> texts{{{1, 5, 6}, 1, 1}, {{7}, 0, 0}, {{8, 9}, 2, 1}};
  const std::vector<Index> indices{4, 0, 2};
  const Packed p(texts, indices);
  CHECK(p.tokens() == 6);
  CHECK(p.texts() == 3);
  CHECK(p.longest() == 3);
  CHECK(std::vector<TokenId>(p.ids().begin(), p.ids().end()) == std::vector<TokenId>{1, 5, 6, 7, 8, 9});
  CHECK(p.segments() == std::vector<Segment>{{0, 3, 1, 1, 4}, {3, 1, 0, 0, 0}, {4, 2, 2, 1, 2}});
}

TEST_CASE("packed: refuses a text with nothing to pool, by its number") {
  const auto pack_one = [](TokenizedText t) { return Packed(std::vector{t}, std::vector<Index>{17}); };
  CHECK_THROWS_WITH_AS(pack_one({}), "[pack] the text has no tokens (text 17)", InputError);
  CHECK_THROWS_WITH_AS(pack_one({{1, 2}, 2, 2}), doctest::Contains("would be number 2 (text 17)"), InputError);
  CHECK_THROWS_AS(pack_one({{1, 2}, 3, 0}), InputError);
  CHECK_THROWS_AS(pack_one({{1, 2}, 0, -1}), InputError);
  CHECK(Packed(std::vector<TokenizedText>{}).tokens() == 0);
}
