#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <nvembed/io/config.hpp>
#include <nvembed/io/json.hpp>
#include <string>
#include <support/gguf_writer.hpp>
#include <support/golden.hpp>

using namespace nvembed;

namespace {

/// A golden decoder's config with some keys set; null removes one.
ModelConfig changed(const std::string& decoder, const Json& keys) {
  Json j = Json::parse(golden::content("decoders/" + decoder + "/config.json"));
  for (const auto& [key, value] : keys.items())
    if (value.is_null())
      j.erase(key);
    else
      j[key] = value;
  return config_from_json(j.dump(), "config.json");
}

/// The config of a small GGUF with more metadata.
ModelConfig of_gguf(const GgufWriter& more) {
  const auto path = std::filesystem::temp_directory_path() / ("nvembed_config_" + std::to_string(::getpid()) + ".gguf");
  GgufWriter w;
  w.add("general.architecture", std::string("llama"));
  for (const auto& [key, n] : {std::pair{"embedding_length", 64u},
                               {"feed_forward_length", 96u},
                               {"block_count", 1u},
                               {"attention.head_count", 4u}})
    w.add(std::string("llama.") + key, std::uint32_t{n});
  w.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  w.append(more);
  w.tensor("token_embd.weight", 64, 8);
  w.write(path.string());
  const ModelConfig c = config_from_gguf(Gguf(path.string()));
  std::filesystem::remove(path);
  return c;
}

}  // namespace

TEST_CASE("config.json: what cannot be is named") {
  const auto with = [](const char* key, const Json& value) { return changed("qwen2", {{key, value}}); };
  CHECK(changed("qwen2", {}).decoder.num_heads == 7);
  for (const char* key : {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                          "num_key_value_heads", "model_type"})
    CHECK_THROWS_WITH_AS(with(key, nullptr), doctest::Contains(key), FileError);
  CHECK_THROWS_WITH_AS(with("num_hidden_layers", 1000000000), doctest::Contains("1000000000"), FileError);
  CHECK_THROWS_AS(with("num_hidden_layers", -1), FileError);
  CHECK_THROWS_AS(with("num_hidden_layers", 2.5), FileError);
  CHECK_THROWS_AS(with("num_hidden_layers", "two"), FileError);
  CHECK_THROWS_AS(with("vocab_size", 1e300), FileError);
  CHECK_THROWS_AS(with("num_attention_heads", 0), FileError);
  CHECK_THROWS_WITH_AS(with("model_type", "mamba"), doctest::Contains("mamba"), FileError);
  CHECK_THROWS_WITH_AS(with("hidden_act", "gelu"), doctest::Contains("gelu"), FileError);
  CHECK_THROWS_WITH_AS(with("rope_parameters", {{"rope_type", "yarn"}, {"factor", 2}}), doctest::Contains("yarn"),
                       FileError);
  CHECK_THROWS_AS(config_from_json(std::string(100000, '[') + std::string(100000, ']'), "config.json"), FileError);
  CHECK_THROWS_AS(config_from_json("[]", "config.json"), FileError);
}

TEST_CASE("config.json: rope parameters of both spellings, none of them lost") {
  using Kind = RopeScaling::Kind;
  // Beside the object what it leaves out is found (transformers 5, convert_rope_params_to_dict).
  CHECK(
      changed("qwen2", {{"rope_parameters", {{"rope_type", "default"}}}, {"rope_theta", 500000}}).decoder.rope_theta ==
      500000);
  const auto old_word = changed("qwen2", {{"rope_parameters", {{"type", "linear"}, {"factor", 4}}}}).decoder;
  CHECK(old_word.rope_scaling.kind == Kind::linear);
  CHECK(old_word.rope_scaling.factor == 4);
  const auto old_key = changed("qwen2", {{"rope_parameters", nullptr},
                                         {"rope_theta", 2000},
                                         {"rope_scaling", {{"type", "linear"}, {"factor", 2}}}})
                           .decoder;
  CHECK(old_key.rope_theta == 2000);
  CHECK(old_key.rope_scaling.factor == 2);

  const auto refused = [](const Json& keys, const char* what) {
    CAPTURE(keys.dump());
    CHECK_THROWS_WITH_AS(changed("qwen2", keys), doctest::Contains(what), FileError);
  };
  refused({{"rope_parameters", {{"type", "yarn"}, {"factor", 4}}}}, "yarn");
  refused({{"rope_parameters", {{"type", "yarn"}, {"rope_type", "default"}}}}, "at once");
  refused({{"rope_parameters", {{"full_attention", {{"rope_type", "yarn"}}}}}}, "full_attention");
  refused({{"rope_parameters", Json::array({1})}}, "no object");
  refused({{"rope_scaling", {{"type", "yarn"}}}}, "differ");
  refused({{"partial_rotary_factor", 0.5}}, "partial_rotary_factor");
  refused({{"rope_parameters", {{"rope_theta", 1e4}, {"partial_rotary_factor", 0.5}}}}, "partial_rotary_factor");
}

TEST_CASE("config.json: what would change the vectors is refused by name") {
  CHECK_THROWS_WITH_AS(changed("mistral_window", {{"is_causal", false}}), doctest::Contains("sliding_window"),
                       FileError);
  CHECK_FALSE(changed("mistral_window", {{"is_causal", false}, {"sliding_window", nullptr}}).causal);
  Json nv = Json::parse(golden::content("nvembed_tiny/config.json"));
  CHECK(config_from_json(nv.dump(), "config.json").latent);
  nv["padding_side"] = "left";
  CHECK_THROWS_WITH_AS(config_from_json(nv.dump(), "config.json"), doctest::Contains("padding_side"), FileError);
}

TEST_CASE("GGUF: linear rope scaling as llama.cpp reads it") {
  const auto factor = [](const GgufWriter& w) { return of_gguf(w).decoder.rope_scaling.factor; };
  CHECK(of_gguf({}).decoder.rope_scaling.kind == RopeScaling::Kind::none);
  CHECK(factor(GgufWriter().add("llama.rope.scaling.factor", 4.0f)) == 4);
  CHECK(factor(GgufWriter().add("llama.rope.scale_linear", 2.0f)) == 2);
  CHECK(of_gguf(GgufWriter().add("llama.rope.scaling.factor", 4.0f).add("llama.rope.scaling.type", std::string("none")))
            .decoder.rope_scaling.kind == RopeScaling::Kind::none);
  CHECK_FALSE(of_gguf(GgufWriter().add("llama.attention.sliding_window", std::uint32_t{0})).decoder.sliding_window);
  CHECK_THROWS_WITH_AS(of_gguf(GgufWriter().add("llama.rope.scaling.type", std::string("yarn"))),
                       doctest::Contains("yarn"), FileError);
  CHECK_THROWS_WITH_AS(of_gguf(GgufWriter().add("llama.rope.scaling.attn_factor", 0.5f)),
                       doctest::Contains("attn_factor"), FileError);
}
