#include <doctest/doctest.h>

#include <cli/support.hpp>
#include <nvembed/io/json.hpp>
#include <string>

using namespace program;
using nvembed::Json;

TEST_CASE("export: an adapter becomes a folder that stands alone; what was written is told") {
  const Scratch s;
  const std::string base = s("base"), adapter = s("adapter"), out = s("whole");
  fs::copy(golden::path("nvembed_tiny"), base, fs::copy_options::recursive);
  write_adapter(adapter, "../base");
  const std::string adapted = encoded(s, adapter);
  const Result r = run(s, "export " + adapter + " -o " + out + " --precision f32 --json --quiet");
  CAPTURE(r.err);
  REQUIRE(r.status == 0);
  CHECK(r.err.empty());
  const Json report = Json::parse(r.out);
  CHECK(report["precision"] == "f32");
  CHECK(report["files"].back() == "config.json");
  CHECK(report["bytes"] == report["parameters"].get<long>() * 4);
  fs::rename(base, s("gone"));
  CHECK(encoded(s, out) == adapted);
  const Json info = Json::parse(run(s, "info " + out + " --json").out);
  CHECK_FALSE(info.contains("base"));
  CHECK(info["stored"] == "f32");
  CHECK(info["pool"] == "latent_attention");
  CHECK(run(s, "info " + out).out.find("base ") == std::string::npos);

  const Result plain = run(s, "export " + s("gone") + " -o " + s("copy") + " --shard-size 100KB");
  CHECK(plain.status == 0);
  CHECK(plain.out.empty());
  CHECK(plain.err.find("written to " + s("copy")) != std::string::npos);
  CHECK(fs::exists(s("copy/model.safetensors.index.json")));

  check_error(s, "export " + s("gone") + " -o " + out, "is not empty");
  check_error(s, "export " + s("gone") + " -o " + s("gone"), "is the model itself");
  check_error(s, "export " + s("nowhere") + " -o " + s("x"), "nowhere");
  CHECK(run(s, "export " + s("gone") + " -o " + s("x") + " --shard-size many").status == 2);
  CHECK(run(s, "export " + s("gone") + " -o " + s("x") + " --precision int8").status == 2);
  CHECK(run(s, "export " + s("gone")).status == 2);
  CHECK_FALSE(fs::exists(s("x")));
}

TEST_CASE("export: a full disk ends the run and leaves nothing") {
  const Scratch s;
  check_error(s, "export " + tiny() + " -o " + s("out"), "out/model.safetensors", "ulimit -f 100; ");
  CHECK_FALSE(fs::exists(s("out")));
}
