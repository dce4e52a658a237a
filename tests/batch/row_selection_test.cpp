#include <doctest/doctest.h>

#include <nvembed/batch/row_selection.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("row_selection: rows in the batch, and the batch that is left") {
  const Packed batch(std::vector<TokenizedText>{{{1, 5, 6}, 1, 1}, {{7}, 0, 0}, {{8, 9}, 2, 1}},
                     std::vector<Index>{4, 0, 2});
  const RowSelection pooled(batch, [](const Segment& s) { return Range{s.pool_begin, s.size}; });
  CHECK_FALSE(pooled.all);
  CHECK(pooled.rows == std::vector<Index>{1, 2, 3, 5});
  CHECK(std::vector<TokenId>(pooled.left.ids().begin(), pooled.left.ids().end()) == std::vector<TokenId>{5, 6, 7, 9});
  CHECK(pooled.left.segments() == std::vector<Segment>{{0, 2, 0, 0, 4}, {2, 1, 0, 0, 0}, {3, 1, 0, 0, 2}});

  const RowSelection every(batch, [](const Segment& s) { return Range{0, s.size}; });
  CHECK(every.all);
  CHECK(every.rows == std::vector<Index>{0, 1, 2, 3, 4, 5});
}
