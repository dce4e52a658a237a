#include <doctest/doctest.h>

#include <nvembed/batch/row_keys.hpp>
#include <set>
#include <vector>

using namespace nvembed;

TEST_CASE("keys of rows go by text and position, wherever the text stands") {
  const TokenizedText a{{1, 2, 3}, 0, 0}, b{{4, 5}, 0, 0};
  const std::vector<std::uint64_t> ids{70, 71};
  const auto both = row_keys(Packed(std::vector<TokenizedText>{a, b}), ids);
  CHECK(std::set<std::uint64_t>(both->begin(), both->end()).size() == 5);
  // The second text alone, known by its number in the whole.
  const auto alone = row_keys(Packed(std::vector<TokenizedText>{b}, std::vector<Index>{1}), ids);
  CHECK(*alone == std::vector<std::uint64_t>(both->begin() + 3, both->end()));
  CHECK(*row_keys(Packed(std::vector<TokenizedText>{b}), ids) != *alone);
  CHECK_THROWS_AS(row_keys(Packed(std::vector<TokenizedText>{b}, std::vector<Index>{2}), ids), InputError);
}
