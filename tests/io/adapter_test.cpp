#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <nvembed/io/adapter.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <string>
#include <support/golden.hpp>
#include <support/scratch.hpp>

using namespace nvembed;

namespace {

const std::string q = "base_model.model.layers.0.self_attn.q_proj.";

/// A folder with an adapter of one matrix, (6, 4), rank 2, to be spoilt.
struct Folder : Scratch {
  Json config{{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"target_modules", {"q_proj"}}};
  std::map<std::string, std::vector<Index>> shapes{{q + "lora_A.weight", {2, 4}}, {q + "lora_B.weight", {6, 2}}};
  float value = 1;

  void save() const {
    write("adapter_config.json", config.dump());
    SafetensorsWriter out(path("adapter_model.safetensors"));
    for (const auto& [name, shape] : shapes) out.declare(name, "F32", shape);
    for (const auto& [name, shape] : shapes) {
      Index n = 1;
      for (const Index e : shape) n *= e;
      const std::vector<float> values(static_cast<std::size_t>(n), value);
      out.write(name, std::as_bytes(std::span(values)));
    }
    out.finish();
  }
  void refused(const char* why) const {
    save();
    CAPTURE(why);
    CHECK_THROWS_WITH_AS(Adapter{dir}, doctest::Contains(why), FileError);
  }
};

}  // namespace

TEST_CASE("an adapter as PEFT writes it: names, ranks and scales") {
  CHECK(Adapter::is_in(golden::path("adapter/plain")));
  CHECK_FALSE(Adapter::is_in(golden::path("adapter")));
  const Adapter plain(golden::path("adapter/plain"));
  CHECK(plain.updates().size() == 14);
  CHECK(plain.options().rank == 4);
  CHECK(plain.options().dropout == 0.1);
  CHECK(plain.options().target_modules.size() == 7);
  CHECK(plain.base() == "../../decoders/llama3_rope");
  CHECK(plain.find("layers.1.mlp.down_proj")->scale == 2);
  CHECK(plain.find("layers.1.mlp.down_proj")->a.cols == 96);
  CHECK(plain.find("model.layers.1.mlp.down_proj") == nullptr);

  const Adapter own(golden::path("adapter/rslora"));
  const auto is = [&](const char* name, Index rank, double scale) {
    CAPTURE(name);
    CHECK(own.find(name)->rank() == rank);
    CHECK(own.find(name)->scale == doctest::Approx(scale).epsilon(1e-12));
  };
  is("layers.0.self_attn.q_proj", 2, 6 / std::sqrt(2.0));
  is("layers.2.self_attn.q_proj", 2, 1.5 / std::sqrt(2.0));
  is("layers.0.self_attn.v_proj", 4, 1.5);
  is("layers.0.mlp.down_proj", 3, 6 / std::sqrt(3.0));
  is("layers.1.mlp.down_proj", 6, 6 / std::sqrt(6.0));
  is("layers.1.mlp.up_proj", 4, 5);
  is("layers.0.mlp.up_proj", 4, 3);
  CHECK(own.digest() != plain.digest());
  CHECK(own.find("layers.0.mlp.up_proj")->a.dtype == DType::bf16);
  CHECK(Adapter(golden::path("adapter/one_layer")).find("layers.1.mlp.up_proj")->a.dtype == DType::f16);
}

TEST_CASE("whatever would change vectors without being seen is refused") {
  Folder f;
  f.save();
  CHECK(Adapter(f.dir).find("layers.0.self_attn.q_proj")->scale == 2);
  const Json good = f.config;
  const auto config = [&](const char* key, const Json& value, const char* why) {
    f.config = good;
    f.config[key] = value;
    f.refused(why);
  };
  config("peft_type", "IA3", "peft_type 'IA3' is not supported");
  config("use_dora", true, "use_dora is not supported");
  config("use_qalora", true, "use_qalora is not supported");
  config("use_something_new", true, "use_something_new is not supported");
  config("lora_bias", true, "lora_bias is not supported");
  config("bias", "lora_only", "bias 'lora_only'");
  config("modules_to_save", {"embed_tokens"}, "modules_to_save");
  config("layer_replication", {{0, 4}, {2, 5}}, "layer_replication");
  config("trainable_token_indices", {1}, "trainable_token_indices");
  config("target_parameters", {"x"}, "target_parameters");
  config("alora_invocation_tokens", {1}, "alora_invocation_tokens");
  config("kasa_config", {{"k", 1}}, "kasa_config");
  config("init_lora_weights", "pissa_niter_4", "init_lora_weights 'pissa_niter_4' changes the base's weights");
  config("init_lora_weights", "olora", "changes the base's weights");
  config("r", 3, "asks for rank 3");
  config("r", 0, "r is 0");
  config("r", 2.5, "expected an integer");
  config("lora_alpha", "four", "expected a number");
  config("lora_dropout", 1, "lora_dropout");
  config("rank_pattern", {{"q_proj", 1}}, "asks for rank 1");
  config("rank_pattern", {1, 2}, "expected an object");
  config("alpha_pattern", {{"q_(?=p)roj", 1}}, "alpha_pattern: pattern 'q_(?=p)roj' has a kind of group");
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, Json>>{{"init_lora_weights", "gaussian"},
                                                 {"init_lora_weights", true},
                                                 {"loftq_config", Json::object()},
                                                 {"target_modules", "all-linear"},
                                                 {"modules_to_save", nullptr},
                                                 {"modules_to_save", Json::array()},
                                                 {"fan_in_fan_out", true}}) {  // PEFT ignores it for nn.Linear
    f.config = good;
    f.config[key] = value;
    f.save();
    CHECK_NOTHROW(Adapter{f.dir});
  }
  f.config = good;
  f.config.erase("peft_type");
  f.refused("peft_type");
  f.config = Json::array();
  f.refused("no JSON object");
}

TEST_CASE("tensors that are missing, of a wrong shape, or that no module takes") {
  Folder f;
  const auto good = f.shapes;
  const auto with = [&](const std::string& name, std::vector<Index> shape, const char* why) {
    f.shapes = good;
    f.shapes[name] = std::move(shape);
    f.refused(why);
  };
  with(q + "lora_A.weight", {4, 2}, "asks for rank 2");
  with(q + "lora_A.weight", {8}, "is no matrix");
  with(q + "lora_B.weight", {6, 2, 1}, "is no matrix");
  with(q + "lora_magnitude_vector", {6}, "is no matrix of a LoRA adapter");
  with(q + "lora_B.bias", {6}, "is no matrix of a LoRA adapter");
  with("base_model.model.embed_tokens.lora_embedding_A", {2, 9}, "is no matrix of a LoRA adapter");
  with("base_model.model.norm.weight", {4}, "is no matrix of a LoRA adapter");
  with("layers.0.self_attn.q_proj.lora_A.weight", {2, 4}, "is no matrix of a LoRA adapter");
  with("base_model.model.layers.0.self_attn.k_proj.lora_A.weight", {2, 4}, "k_proj has no lora_B.weight");
  with("base_model.model.layers.0.self_attn.k_proj.lora_B.weight", {6, 2}, "k_proj has no lora_A.weight");
  with("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", {2, 4}, "is there twice");
  f.shapes = good;
  f.config["fan_in_fan_out"] = true;
  f.shapes[q + "lora_A.weight"] = {4, 2};
  f.refused("fan_in_fan_out");
  f.shapes.clear();
  f.refused("holds no tensor");

  f.shapes = good;
  f.config.erase("fan_in_fan_out");
  f.save();
  const Adapter adapter(f.dir);
  const std::string matrix = "layers.0.self_attn.q_proj";
  CHECK_NOTHROW(adapter.check({{matrix, {6, 4}}, {"layers.0.mlp.up_proj", {9, 4}}}));
  CHECK_THROWS_WITH_AS(adapter.check({{matrix, {6, 5}}}), doctest::Contains("the model's matrix is (6, 5)"), FileError);
  CHECK_THROWS_WITH_AS(adapter.check({{"layers.1.self_attn.q_proj", {6, 4}}}), doctest::Contains("another base"),
                       FileError);
  f.value = std::numeric_limits<float>::quiet_NaN();
  f.save();
  CHECK_THROWS_WITH_AS(adapter_values(Adapter(f.dir).find(matrix)->a), doctest::Contains("not finite"), FileError);
}

TEST_CASE("files that are cut short or not there") {
  const Folder f;
  CHECK_THROWS_AS(Adapter{f.dir}, FileError);
  f.save();
  const std::string whole = read_file(f.path("adapter_model.safetensors")),
                    config = read_file(f.path("adapter_config.json"));
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{60}, whole.size() - 1}) {
    f.write("adapter_model.safetensors", whole.substr(0, size));
    CHECK_THROWS_WITH_AS(Adapter{f.dir}, doctest::Contains("adapter_model.safetensors"), FileError);
  }
  f.write("adapter_model.safetensors", whole);
  for (const std::size_t size : {std::size_t{0}, config.size() / 2}) {
    f.write("adapter_config.json", config.substr(0, size));
    CHECK_THROWS_WITH_AS(Adapter{f.dir}, doctest::Contains("adapter_config.json"), FileError);
  }
  std::filesystem::remove(f.path("adapter_config.json"));
  CHECK_THROWS_WITH_AS(Adapter{f.dir}, doctest::Contains("adapter_config.json"), FileError);
}
