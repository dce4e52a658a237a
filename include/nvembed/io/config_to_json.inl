#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <nvembed/io/config_to_json.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/model/rope_angles.hpp>
#include <utility>
#include <vector>

namespace nvembed {
namespace detail {

inline bool has_class(std::string_view architecture, const DecoderConfig& c) {
  const bool window = c.sliding_window.has_value();
  if (architecture == "llama") return !c.qk_norm && c.qkv_bias == c.o_bias && !window;
  if (architecture == "mistral") return !c.qk_norm && !c.qkv_bias && !c.o_bias && !c.mlp_bias;
  if (architecture == "qwen2") return !c.qk_norm && c.qkv_bias && !c.o_bias && !c.mlp_bias && !window;
  return c.qk_norm && c.qkv_bias == c.o_bias && !c.mlp_bias && !window;  // qwen3
}

/// Frequency factors as Llama 3's rule, which llama.cpp's converter makes them by: the largest is its factor, its two
/// bounds are 1 and 4 in all of its models, the trained length is a power of two.
inline void name_frequency_factors(DecoderConfig& c, std::string_view place) {
  const std::vector<double>& factors = c.rope_scaling.frequency_factors;
  if (factors.empty()) return;
  const std::vector<double> wanted = rope_frequencies(c);
  if (c.rope_scaling.kind == RopeScaling::Kind::none)
    for (Index length = 32; length <= Index{1} << 24; length *= 2) {
      DecoderConfig named = c;
      named.rope_scaling = {.kind = RopeScaling::Kind::llama3,
                            .factor = *std::max_element(factors.begin(), factors.end()),
                            .low_freq_factor = 1,
                            .high_freq_factor = 4,
                            .original_max_position = length,
                            .frequency_factors = {}};
      const std::vector<double> got = rope_frequencies(named);
      // The file has them in f32.
      const bool same = std::equal(got.begin(), got.end(), wanted.begin(),
                                   [](double x, double y) { return std::fabs(x / y - 1) < 1e-6; });
      if (!same) continue;
      c = std::move(named);
      return;
    }
  fail<FileError>("export", place,
                  ": rope_freqs.weight follows no rule that a config.json can name; the model cannot be written in "
                  "Hugging Face's layout");
}

}  // namespace detail

NVEMBED_INLINE DecoderConfig hugging_face_decoder(DecoderConfig c, std::string_view place) {
  detail::name_frequency_factors(c, place);
  if (detail::has_class(c.architecture, c)) return c;
  for (const char* other : {"llama", "mistral", "qwen2", "qwen3"})
    if (detail::has_class(other, c)) {
      c.architecture = other;
      return c;
    }
  fail<FileError>("export", place, ": no class of transformers has layers with these biases, norms and this window");
}

NVEMBED_INLINE bool has_window_class(const DecoderConfig& c) { return detail::has_class("mistral", c); }

NVEMBED_INLINE std::string config_to_json(const DecoderConfig& c, const DecoderUse& use) {
  const std::string name = c.architecture == "llama"     ? "LlamaModel"
                           : c.architecture == "mistral" ? "MistralModel"
                           : c.architecture == "qwen2"   ? "Qwen2Model"
                                                         : "Qwen3Model";
  Json j{{"architectures", {name}},
         {"model_type", c.architecture},
         {"vocab_size", c.vocab_size},
         {"hidden_size", c.hidden_size},
         {"intermediate_size", c.intermediate_size},
         {"num_hidden_layers", c.num_layers},
         {"num_attention_heads", c.num_heads},
         {"num_key_value_heads", c.num_kv_heads},
         {"head_dim", c.head_dim},
         {"hidden_act", "silu"},
         {"rms_norm_eps", c.rms_norm_eps},
         {"rope_theta", c.rope_theta},
         {"tie_word_embeddings", false},
         {"torch_dtype", torch_name(use.stored)}};
  if (c.max_position > 0) j["max_position_embeddings"] = c.max_position;
  if (c.architecture == "llama" || c.architecture == "qwen3") j["attention_bias"] = c.qkv_bias;
  if (c.architecture == "llama") j["mlp_bias"] = c.mlp_bias;
  if (c.architecture == "mistral") j["sliding_window"] = c.sliding_window ? Json(*c.sliding_window) : Json();
  if (c.architecture == "qwen2" || c.architecture == "qwen3") j["use_sliding_window"] = false;
  if (!use.causal) j["is_causal"] = false;
  if (use.bos) j["bos_token_id"] = *use.bos;
  if (use.eos) j["eos_token_id"] = *use.eos;
  const RopeScaling& s = c.rope_scaling;
  if (s.kind == RopeScaling::Kind::linear) j["rope_scaling"] = {{"rope_type", "linear"}, {"factor", s.factor}};
  if (s.kind == RopeScaling::Kind::llama3)
    j["rope_scaling"] = {{"rope_type", "llama3"},
                         {"factor", s.factor},
                         {"low_freq_factor", s.low_freq_factor},
                         {"high_freq_factor", s.high_freq_factor},
                         {"original_max_position_embeddings", s.original_max_position}};
  return j.dump(2) + "\n";
}

}  // namespace nvembed
