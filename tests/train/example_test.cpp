#include <algorithm>
#include <nvembed/train/example.hpp>
#include <set>

#include "support.hpp"

using namespace train_test;

TEST_CASE("example: positives in turn, negatives without repetition") {
  const Record r{"q", {"a", "b", "c"}, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}};
  const CounterRng key = CounterRng(1).at(2);
  std::set<Texts> chosen;
  std::set<std::string> seen;
  for (std::uint64_t epoch = 0; epoch < 30; ++epoch) {
    const Example e = example_of(r, epoch, 7, key), again = example_of(r, epoch, 7, key);
    CHECK(e.query == "q");
    CHECK(e.positive == again.positive);
    CHECK(e.negatives == again.negatives);
    if (epoch % 3 == 0) seen.clear();
    CHECK(seen.insert(e.positive).second);  // all three before one comes again
    Texts all = e.other_positives;
    all.push_back(e.positive);
    std::sort(all.begin(), all.end());
    CHECK(all == r.positives);
    CHECK(e.negatives.size() == 7);
    CHECK(std::set<std::string>(e.negatives.begin(), e.negatives.end()).size() == 7);
    chosen.insert(e.negatives);
  }
  CHECK(chosen.size() == 30);
  CHECK(example_of(r, 0, 12, key).negatives == r.negatives);
  CHECK(example_of(r, 0, 0, key).negatives.empty());
  CHECK(example_of({"q", {"a"}, {}}, 5, 7, key).positive == "a");
  CHECK_THROWS_AS(example_of(r, 0, -1, key), InputError);
  CHECK_THROWS_AS(example_of({"q", {}, {}}, 0, 7, key), InputError);
}
