#include <doctest/doctest.h>

#include <nvembed/mask/parse.hpp>

using namespace nvembed;

TEST_CASE("mask::parse is the inverse of str") {
  for (const char* name : {"bidirectional", "causal", "window:3,0", "window:0,17", "causal&window:255,0",
                           "prefix:full,full", "prefix:causal,full", "prefix:full,causal", "prefix:causal,causal"})
    CHECK(mask::parse(name).str() == name);
  CHECK(mask::parse("window:4").str() == "window:4,4");
  CHECK(mask::parse("prefix").str() == "prefix:full,full");
}

TEST_CASE("mask::parse refuses what is no mask, and says what is") {
  for (const char* name :
       {"", "Causal", "window", "window:", "window:-1", "window:1,", "window:1,2,3", "window:99999999999999",
        "prefix:", "prefix:full", "prefix:half,full", "causal&causal", "causal&window:", "bidirectional "})
    CHECK_THROWS_WITH_AS(mask::parse(name), doctest::Contains("causal&window:LEFT,RIGHT"), InputError);
}
