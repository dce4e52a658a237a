#include <doctest/doctest.h>

#include <cli/support.hpp>
#include <nvembed/embed/embedder_folder.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <string>

using namespace program;
using nvembed::Json;

TEST_CASE("an adapter's folder and an embedder folder are models; info shows base and adapter") {
  const Scratch s;
  const std::string base = s("base"), adapter = s("adapter"), embedder = s("embedder");
  fs::copy(golden::path("nvembed_tiny"), base, fs::copy_options::recursive);
  write_adapter(adapter, "../base");
  const std::string plain = encoded(s, base), adapted = encoded(s, adapter);
  CHECK(plain != adapted);
  const Json info = Json::parse(run(s, "info " + adapter + " --json").out);
  CHECK(info["adapter"]["rank"] == 2);
  CHECK(info["adapter"]["alpha"] == 4);
  CHECK(info["adapter"]["matrices"] == 1);
  CHECK(info["adapter"]["parameters"] == 256);
  CHECK(info["base"]["path"] == base);
  CHECK(info["files"].size() == Json::parse(run(s, "info " + base + " --json").out)["files"].size() + 2);
  const std::string text = run(s, "info " + adapter).out;
  CHECK(text.find("LoRA of rank 2, alpha 4.0, 1 matrices (q_proj), 256 parameters") != text.npos);

  write_adapter(embedder, "../base");
  nvembed::EmbedderFolder e;
  e.base = nvembed::describe_base(base, embedder, true);
  e.adapter = nvembed::describe_part(embedder, nvembed::Adapter::weights_file);
  e.pool = "mean";
  e.settings.max_length = 99;
  nvembed::write_embedder_folder(embedder, e);
  const Json about = Json::parse(run(s, "info " + embedder + " --json --verify").out);
  CHECK(about["pool"] == "mean");
  CHECK(about["max_length"] == 99);
  CHECK(about["base"]["name"] == "base");
  CHECK(about["fingerprint"] != info["fingerprint"]);
  CHECK(encoded(s, embedder) != adapted);

  // Elsewhere: not found, then named, then found in the cache folder.
  fs::create_directory(s("cache"));
  fs::rename(base, s("moved"));
  check_error(s, "info " + embedder, "its base base was looked for", "NVEMBED_CACHE=" + s("cache") + " ");
  CHECK(encoded(s, adapter + " --base " + s("moved")) == adapted);
  fs::rename(s("moved"), s("cache/base"));
  CHECK(Json::parse(run(s, "info " + embedder + " --json", "NVEMBED_CACHE=" + s("cache") + " ").out)["base"]["path"] ==
        s("cache/base"));
  check_error(s, "info " + embedder + " --base " + golden::path("decoders/qwen2"), "was made for the base base");
  check_error(s, "info " + tiny() + " --base x", "has no base");
  e.base.sha256.begin()->second = std::string(64, '0');
  nvembed::write_embedder_folder(embedder, e);
  check_error(s, "info --verify " + embedder + " --base " + s("cache/base"),
              "the embedder was made with a file that has 000");
}
