#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>
#include <nvembed/eigen/backend.hpp>
#include <nvembed/io/load_adapter.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <nvembed/io/save_adapter.hpp>
#include <support/adapter.hpp>
#include <support/compare.hpp>
#include <support/scratch.hpp>

using namespace nvembed;
using B = eigen::Backend;

namespace {

nn::LoraOptions written_options() {
  nn::LoraOptions o;
  o.rank = 3, o.alpha = 4.5, o.dropout = 0.05;
  o.target_modules = {"q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"};
  return o;
}

}  // namespace

TEST_CASE("an adapter is saved to the bytes that PEFT was seen to load") {
  const B be(2);
  auto body = adapters::load_body(be, adapters::Base("mistral_window"));
  nn::attach_lora(be, body, written_options());
  adapters::randomise(be, body, 17);
  const Scratch s;
  save_adapter(be, body, written_options(), s.dir, "../../decoders/mistral_window");
  CHECK(s.names() == std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors"});
  if (const char* to = std::getenv("NVEMBED_WRITE_GOLDEN")) {  // then make_adapter.py check
    save_adapter(be, body, written_options(), std::filesystem::path(to) / "written", "../../decoders/mistral_window");
    const Json sequences = golden::json("adapter/rslora.expected.json")["sequences"];
    const auto states = adapters::states(be, body, sequences);
    SafetensorsWriter out((std::filesystem::path(to) / "written.states.safetensors").string());
    for (std::size_t i = 0; i < states.size(); ++i) {
      out.declare(cat("i", i), "I64", {static_cast<Index>(sequences[i].size())});
      out.declare(cat("s", i), DType::f32, {static_cast<Index>(sequences[i].size()), body.dim()});
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto ids = sequences[i].get<std::vector<std::int64_t>>();
      out.write(cat("i", i), std::as_bytes(std::span(ids)));
      out.write(cat("s", i), std::as_bytes(std::span(states[i])));
    }
    out.finish();
  }
  for (const std::string& file : s.names())
    CHECK(read_file(s.path(file)) == golden::content("adapter/written/" + file));
}

TEST_CASE("what is saved is loaded to the bit, ranks and scales of their own included") {
  const B be(2);
  for (const std::string& name : adapters::names()) {
    CAPTURE(name);
    const Json expected = golden::json("adapter/" + name + ".expected.json");
    auto body = adapters::load_body(be, adapters::Base(expected["base"]));
    const Adapter made(adapters::folder(name));
    load_adapter(be, body, made);
    const Scratch s;
    save_adapter(be, body, made.options(), s.dir / "new" / "folder");
    const Adapter saved(s.dir / "new" / "folder");
    CHECK(saved.updates().size() == made.updates().size());
    for (const auto& [matrix, u] : made.updates()) {
      CAPTURE(matrix);
      const AdapterUpdate* v = saved.find(matrix);
      REQUIRE(v);
      CHECK(v->rank() == u.rank());
      CHECK(v->scale == doctest::Approx(u.scale).epsilon(1e-14));
      CHECK(adapter_values(v->a) == adapter_values(u.a));
      CHECK(adapter_values(v->b) == adapter_values(u.b));
    }
    auto other = adapters::load_body(be, adapters::Base(expected["base"]));
    load_adapter(be, other, saved);
    CHECK(adapters::states(be, other, expected["sequences"]) == adapters::states(be, body, expected["sequences"]));
  }
}

TEST_CASE("the configuration names what is adapted") {
  const B be(1);
  auto body = adapters::load_body(be, adapters::Base("qwen2"));
  const Scratch s;
  nn::LoraOptions options;
  CHECK_THROWS_WITH_AS(save_adapter(be, body, options, s.dir), doctest::Contains("nothing is attached"), InputError);
  options.rank = 2;
  options.target_modules = {"q_proj", "up_proj"};
  nn::attach_lora(be, body, options);
  const auto config = [&] { return Json::parse(read_file(s.path("adapter_config.json"))); };
  save_adapter(be, body, options, s.dir);
  CHECK(config()["target_modules"] == Json({"q_proj", "up_proj"}));
  CHECK(config()["rank_pattern"].empty());
  CHECK(config()["lora_alpha"].is_number_integer());
  options.layers = {1};
  options.rslora = true;
  nn::attach_lora(be, body, options);
  save_adapter(be, body, options, s.dir);
  CHECK(config()["target_modules"] == Json({"layers.1.mlp.up_proj", "layers.1.self_attn.q_proj"}));
  CHECK(config()["use_rslora"] == true);
  CHECK(config()["alpha_pattern"].empty());

  // A broken update is not saved, and what is there stays.
  const std::string before = read_file(s.path("adapter_model.safetensors"));
  auto lane = be.make_lane();
  auto& b = body.layers[1].self_attn.qkv_proj.lora->lora_B.value;
  std::vector<float> values = b.to_host(lane);
  values[3] = std::numeric_limits<float>::infinity();
  b = Tensor<B, float>::from_host(lane, b.shape(), values);
  CHECK_THROWS_WITH_AS(save_adapter(be, body, options, s.dir),
                       doctest::Contains("layers.1.self_attn.q_proj holds a number that is not finite"), InputError);
  CHECK(read_file(s.path("adapter_model.safetensors")) == before);
  CHECK(s.names().size() == 2);
  CHECK_THROWS_AS(save_adapter(be, body, options, s.path("adapter_config.json") + "/below"), Error);
}

TEST_CASE("attached, saved and taken off again") {
  const B be(1);
  auto body = adapters::load_body(be, adapters::Base("llama3_rope"));
  const Scratch s;
  const std::string folder = adapters::folder("plain"), copy = s.path("copy");
  const Json sequences = {{5, 6, 7}};
  const auto before = adapters::states(be, body, sequences);
  // [adapter]
  const Adapter adapter(folder);                                    // opened and checked, not read
  load_adapter(be, body, adapter);                                  // attached to a decoder
  save_adapter(be, body, adapter.options(), copy, adapter.base());  // for PeftModel.from_pretrained
  nn::detach_lora(body);                                            // as if it had not been
  // [adapter]
  CHECK(adapters::states(be, body, sequences) == before);
  CHECK(Adapter(copy).base() == adapter.base());
}
