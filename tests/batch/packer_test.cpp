#include <doctest/doctest.h>

#include <algorithm>
#include <nvembed/batch/packer.hpp>
#include <vector>

using namespace nvembed;

TEST_CASE("packer: every text once, no batch above the budget, longest first") {
  const std::vector<Index> lengths{3, 10, 1, 7, 7, 2, 25, 4};
  const auto batches = cut_batches(lengths, 12);
  std::vector<Index> seen;
  Index last = 1000;
  for (const auto& b : batches) {
    Index sum = 0;
    for (const Index i : b) {
      CHECK(lengths[static_cast<std::size_t>(i)] <= last);
      last = lengths[static_cast<std::size_t>(i)];
      sum += last;
      seen.push_back(i);
    }
    CHECK((sum <= 12 || b.size() == 1));
  }
  CHECK(batches[0] == std::vector<Index>{6});  // longer than the budget: alone
  std::sort(seen.begin(), seen.end());
  CHECK(seen == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("packer: bounds") {
  CHECK(cut_batches({}, 5).empty());
  CHECK_THROWS_AS(cut_batches(std::vector<Index>{1}, 0), InputError);
}
