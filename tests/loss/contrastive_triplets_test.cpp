#include <doctest/doctest.h>

#include <nvembed/loss/contrastive_triplets.hpp>
#include <tuple>
#include <vector>

using namespace nvembed;

namespace {

using Rows = std::vector<std::tuple<Index, Index, Index>>;

Rows rows_of(const loss::ContrastiveTargets& targets, Index n, Index m, bool others = false,
             loss::InfoNceCounts* counts = nullptr) {
  Rows rows;
  for (const loss::TripletRows& t : loss::contrastive_triplets(targets, n, m, others, counts))
    rows.emplace_back(t.anchor, t.positive, t.negative);
  return rows;
}

}  // namespace

TEST_CASE("triplets of a contrastive batch: own negatives, and in-batch ones where they are allowed") {
  loss::ContrastiveTargets t;
  t.positive = {0, 2};
  t.negatives = {{1}, {3}};
  t.in_batch = {true, false};
  CHECK(rows_of(t, 2, 4) == Rows{{0, 0, 1}, {0, 0, 2}, {1, 2, 3}});
  CHECK(rows_of(t, 2, 4, true) == Rows{{0, 0, 1}, {0, 0, 2}, {0, 0, 3}, {1, 2, 3}});
}

TEST_CASE("triplets of a contrastive batch: what is right for a query is not its negative, and is counted") {
  loss::ContrastiveTargets t;
  t.positive = {0, 1, 2};
  t.in_batch = {true, true, false};
  t.query_text = {7, 8, 9};
  t.passage_text = {5, 5, 6};  // the answers of the first two are one text
  loss::InfoNceCounts counts;
  CHECK(rows_of(t, 3, 3, false, &counts) == Rows{{0, 0, 2}, {1, 1, 2}});
  CHECK(counts.rows == 2);
  CHECK(counts.skipped == 1);
  CHECK(counts.negatives == 2);
  CHECK(counts.masked_right == 2);
  t.in_batch = {false, false, false};
  CHECK_THROWS_AS(rows_of(t, 3, 3), InputError);
}
