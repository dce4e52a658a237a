#include <doctest/doctest.h>

#include <nvembed/text/instruction.hpp>

using namespace nvembed::text;

TEST_CASE("the query template") {
  CHECK(apply_template(nv_embed_template, "Find it") == "Instruct: Find it\nQuery: ");
  CHECK(apply_template(nv_embed_template, "").empty());
  CHECK(apply_template("query: ", "task") == "query: ");
  CHECK(apply_template("{instruction}", "{instruction}x") == "{instruction}x");
  CHECK(apply_template("a {instruction} b {instruction}", "t") == "a t b {instruction}");
}
