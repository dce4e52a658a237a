#include <doctest/doctest.h>

#include <nvembed/core/error.hpp>
#include <nvembed/io/module_pattern.hpp>
#include <string>

using namespace nvembed;

namespace {
constexpr const char* module = "model.layers.12.mlp.down_proj";
bool is(const char* pattern, const char* name = module) { return ends_in_pattern(pattern, name, "where"); }
}  // namespace

TEST_CASE("patterns of modules match as Python's re does") {
  for (const char* p : {"down_proj",
                        "mlp.down_proj",
                        "layers.12.mlp.down_proj",
                        ".*",
                        ".*down_proj",
                        "(up|down)_proj",
                        "(?:up|down)_proj",
                        R"(layers\.(1|12)\.mlp\..*)",
                        R"(layers\.\d+\..*_proj)",
                        R"(layers\.[0-9]+\.mlp\.\w+)",
                        "^model.*",
                        "down_proj$",
                        "d?own_proj",
                        "[a-d]own_proj",
                        "[^u]own_proj",
                        R"(layers\.1[0-2]\.mlp\.(gate|down)_proj)",
                        "up|mlp.down_proj",
                        "layers.12(.mlp)+.down_proj",
                        "(a*)*down_proj",
                        "[]d]own_proj",
                        R"(model\.layers.12.mlp[.]down_proj)"})
    CHECK_MESSAGE(is(p), p);
  for (const char* p : {"proj", "own_proj", "down", "layers.1.mlp.down_proj", "^down_proj", "^layers.*", "up_proj", "",
                        "[^d]own_proj", R"(layers\.\d\.mlp\.down_proj)", "down_proj.*x", "down_proj$x"})
    CHECK_MESSAGE(!is(p), p);
  CHECK(is("a|", ""));
}

TEST_CASE("patterns that mean something else than they seem to are refused, and none takes long") {
  for (const char* p : {"(", ")", "a)", "[a", "a{2}", "(?=a)", "(?P<x>a)", "*", "a**", "a+?", "\\", R"(\b)", R"(\1)",
                        "[a-\\d]", "(((((a)))))"})
    CHECK_THROWS_WITH_AS(is(p), doctest::Contains("[adapter] where: pattern"), FileError);
  CHECK_THROWS_AS(is(std::string(1000, 'a').c_str()), FileError);
  const std::string name(400, 'a');
  CHECK_FALSE(is("((((a*)*)*)*)*b", name.c_str()));
  CHECK_FALSE(is("(a|a)*(a|a)*(a|a)*b", name.c_str()));
}
