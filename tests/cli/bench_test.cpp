#include <doctest/doctest.h>

#include <nvembed/io/json.hpp>
#include <support/program.hpp>

using namespace program;
using nvembed::Json;

TEST_CASE("bench: rates, arithmetic and share of each length; too long ones are left out") {
  const Scratch s;
  const std::string bench = "bench " + tiny() + " --seconds 0.01 --batch-tokens 64 --lengths 8,16,100,5000";
  const Result r = run(s, bench + " --json --threads 1 --precision int8");
  REQUIRE(r.status == 0);
  const Json j = Json::parse(r.out);
  CHECK(j["threads"] == 1);
  CHECK(j["precision"] == "int8");
  CHECK(j["load_seconds"] > 0);
  CHECK(j["left_out"] == Json{5000});
  REQUIRE(j["lengths"].size() == 3);
  const int texts[] = {8, 4, 1};  // as many as 64 tokens hold
  // 3 layers of 64 with 4 + 2 heads of 16 and 160 inside; a head of 4 x 16 latents with 256 inside
  const auto weights = 3 * ((2 * 64 + 2 * 32) * 64 + 3 * 64 * 160) + 2 * 64 * 64 + 64 * 512;
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& row = j["lengths"][i];
    const auto length = row["length"].get<double>();
    CHECK(row["texts"] == texts[i]);
    CHECK(row["tokens_per_second"].get<double>() == doctest::Approx(length * texts[i] / row["seconds"].get<double>()));
    CHECK(row["flop_per_token"].get<double>() ==
          doctest::Approx(2 * weights + 4 * 3 * 64 * length + 2 * 256 * 64 / length));
    CHECK(row["share"].get<double>() ==
          doctest::Approx(row["tokens_per_second"].get<double>() * row["flop_per_token"].get<double>() /
                          j["ceiling_flops"].get<double>()));
  }

  const Result table = run(s, bench + " --backend eigen");
  REQUIRE(table.status == 0);
  CHECK(table.out.find("back end eigen") != std::string::npos);
  CHECK(table.out.find("5,000 left out: the model takes 4,096 tokens at most\n") != std::string::npos);
  CHECK(table.err.find("model loaded in") != std::string::npos);
  CHECK(run(s, bench + " --quiet").err == "");
  CHECK(run(s, bench + " -o " + s("report.txt")).out == "");
  CHECK(content(s("report.txt")).find("share") != std::string::npos);

  CHECK(run(s, "bench --lengths 8 " + tiny() + " --seconds 0.001").status == 0);  // a model behind a list of lengths
  CHECK(run(s, bench + " --pool none").status == 2);
  CHECK(run(s, "bench " + tiny() + " --lengths 0").status == 2);
  check_error(s, "bench " + s("nowhere"), "nowhere");
}
