#include <doctest/doctest.h>

#include <nvembed/mask/any.hpp>
#include <vector>

using namespace nvembed;

namespace {

using Sight = mask::Prefix::Sight;

/// `keys` holds every allowed key of every query range, stays inside the text, and every query sees something.
template <Mask M>
void check_consistent(const M& m) {
  for (const Index size : {1, 2, 3, 7, 12})
    for (Index prefix = 0; prefix <= size; ++prefix) {
      const Segment s{5, size, prefix, 0, 0};
      for (Index a = 0; a < size; ++a)
        for (Index b = a + 1; b <= size; ++b) {
          const Range keys = m.keys({a, b}, s);
          REQUIRE(keys.begin >= 0);
          REQUIRE(keys.end <= size);
          for (Index q = a; q < b; ++q) {
            Index seen = 0;
            for (Index k = 0; k < size; ++k)
              if (m.allows(q, k, s)) {
                ++seen;
                REQUIRE(k >= keys.begin);
                REQUIRE(k < keys.end);
              }
            REQUIRE(seen > 0);
            if (exact_keys<M>) REQUIRE(m.keys({q, q + 1}, s).size() == seen);
          }
        }
    }
}

/// Rows of 0 and 1: who sees whom.
template <Mask M>
std::vector<std::string> picture(const M& m, Index size, Index prefix) {
  std::vector<std::string> rows;
  for (Index q = 0; q < size; ++q) {
    rows.emplace_back();
    for (Index k = 0; k < size; ++k) rows.back() += m.allows(q, k, {0, size, prefix, 0, 0}) ? '1' : '0';
  }
  return rows;
}

using Rows = std::vector<std::string>;

}  // namespace

TEST_CASE("masks: keys holds what allows allows") {
  check_consistent(mask::Bidirectional{});
  check_consistent(mask::Causal{});
  for (const auto& w : {mask::Window{0, 0}, mask::Window{2, 0}, mask::Window{1, 3}, mask::Window{100, 100}}) {
    check_consistent(w);
    check_consistent(mask::Causal{} & w);
  }
  for (const Sight i : {Sight::causal, Sight::full})
    for (const Sight t : {Sight::causal, Sight::full}) {
      check_consistent(mask::Prefix{i, t});
      check_consistent(mask::Prefix{i, t} & mask::Window{2, 1});
    }
}

TEST_CASE("masks: written out") {
  CHECK(picture(mask::Bidirectional{}, 3, 0) == Rows{"111", "111", "111"});
  CHECK(picture(mask::Causal{}, 3, 0) == Rows{"100", "110", "111"});
  CHECK(picture(mask::Window{1, 0}, 4, 0) == Rows{"1000", "1100", "0110", "0011"});
  CHECK(picture(mask::Causal{} & mask::Window{1, 5}, 4, 0) == Rows{"1000", "1100", "0110", "0011"});
  CHECK(picture(mask::Prefix{Sight::full, Sight::full}, 4, 2) == Rows{"1100", "1100", "1111", "1111"});
  CHECK(picture(mask::Prefix{Sight::causal, Sight::full}, 4, 2) == Rows{"1000", "1100", "1111", "1111"});
  CHECK(picture(mask::Prefix{Sight::full, Sight::causal}, 4, 2) == Rows{"1100", "1100", "1110", "1111"});
  CHECK(picture(mask::Prefix{Sight::causal, Sight::causal}, 4, 2) == picture(mask::Causal{}, 4, 0));
}

TEST_CASE("masks: any answers as the mask it holds") {
  const mask::Any any = mask::Causal{} & mask::Window{2, 0};
  CHECK(any.str() == "causal&window:2,0");
  CHECK(mask::Any{}.str() == "bidirectional");
  CHECK(mask::Any{mask::Prefix{Sight::full, Sight::causal}}.str() == "prefix:full,causal");
  any.visit([](const auto& m) {
    CHECK(m.allows(3, 1, Segment{0, 9}));
    CHECK_FALSE(m.allows(3, 0, Segment{0, 9}));
    CHECK_FALSE(m.allows(3, 4, Segment{0, 9}));
  });
}
