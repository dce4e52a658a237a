#include <nvembed/train/parse_negative_rule.hpp>
#include <nvembed/train/top_k_perc_pos.hpp>

#include "support.hpp"

using namespace train_test;

TEST_CASE("a share of the positive's score lies below it, whatever its sign") {
  const TopKPercPos rule;
  CHECK(rule.limit(0.8) == 0.8 * 0.95);
  CHECK(rule.limit(0) == 0);
  CHECK(rule.limit(-0.2) == doctest::Approx(-0.21));
  CHECK(TopKPercPos{1}.limit(-0.2) == -0.2);
}

TEST_CASE("rules by name") {
  CHECK(parse_negative_rule("perc").limit(1) == 0.95);
  CHECK(parse_negative_rule("perc:0.9").limit(1) == 0.9);
  CHECK(parse_negative_rule("margin").limit(1) == 0.95);
  CHECK(parse_negative_rule("margin:0.5").limit(1) == 0.5);
  CHECK(parse_negative_rule("abs").limit(1) == 0.7);
  CHECK(parse_negative_rule("abs:-0.5").limit(1) == -0.5);
  CHECK(parse_negative_rule("shifted").skipped() == 10);
  CHECK(parse_negative_rule("shifted:3").skipped() == 3);
  CHECK(parse_negative_rule("top").skipped() == 0);
  for (const char* wrong : {"", "percent", "top:3", "perc:", "perc:0.9x", "perc:2", "shifted:1.5", "shifted:-1",
                            "margin:nan", "abs:inf", "perc:0.9:1"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_negative_rule(wrong), InputError);
  }
}
