#pragma once

#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/config.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/printable.hpp>
#include <vector>

namespace nvembed {
namespace detail {

/// Reads one config.json; every error names file and key.
class ConfigJson {
 public:
  ConfigJson(const Json& root, std::string_view file) : root_(root), file_(file) {}

  ModelConfig read() const {
    ModelConfig c;
    c.model_type = json_get<std::string>(root_, "model_type", file_);
    if (c.model_type == "nvembed") {
      const Json& text = json_object(root_, "text_config", file_);
      const std::string type = json_get<std::string>(text, "model_type", where("text_config"));
      if (type != "bidir_mistral" && type != "mistral")
        refuse("text_config.model_type '", printable(type), "' is not supported; NV-Embed stands on mistral");
      c.decoder = decoder(text, "mistral", where("text_config"));
      c.decoder.sliding_window.reset();  // in the file, but the released code never applies it
      c.causal = false;
      c.latent = latent(c.decoder);
      if (const auto side = json_get_or<std::string>(root_, "padding_side", "right", file_); side != "right")
        refuse("padding_side '", printable(side),
               "' is not supported: the released code then pools the instruction too");
      c.mask_instruction = json_get_or<bool>(root_, "is_mask_instruction", true, file_);
    } else {
      c.decoder = decoder(root_, c.model_type, std::string(file_));
      // Some embedders mark a decoder that was trained to look both ways.
      c.causal = json_get_or<bool>(root_, "is_causal",
                                   !json_get_or<bool>(root_, "use_bidirectional_attention", false, file_), file_);
      if (!c.causal && c.decoder.sliding_window)
        refuse("sliding_window beside a bidirectional decoder is not supported");
    }
    c.decoder.validate(file_);
    return c;
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(Parts&&... parts) const {
    fail<FileError>("config", file_, ": ", std::forward<Parts>(parts)...);
  }
  std::string where(std::string_view key) const { return cat(file_, ": ", key); }

  DecoderConfig decoder(const Json& j, const std::string& type, const std::string& at) const {
    if (type != "llama" && type != "mistral" && type != "qwen2" && type != "qwen3")
      refuse("model_type '", printable(type), "' is not supported; llama, mistral, qwen2, qwen3 and nvembed are");
    const auto count = [&](std::string_view key) { return json_get<Index>(j, key, at); };
    DecoderConfig c;
    c.architecture = type;
    c.vocab_size = count("vocab_size");
    c.hidden_size = count("hidden_size");
    c.intermediate_size = count("intermediate_size");
    c.num_layers = count("num_hidden_layers");
    c.num_heads = count("num_attention_heads");
    // Missing it means as many as heads in Llama alone; null does in all of them.
    if (type != "llama" && !j.contains("num_key_value_heads")) json_at(j, "num_key_value_heads", at);
    c.num_kv_heads = json_get_or<Index>(j, "num_key_value_heads", c.num_heads, at);
    if (const Json* dim = json_find(j, "head_dim")) {
      c.head_dim = json_as<Index>(*dim, "head_dim", at);
    } else {
      if (type == "qwen3") json_at(j, "head_dim", at);  // not hidden / heads there
      if (c.num_heads < 1 || c.hidden_size % c.num_heads != 0)
        refuse("hidden_size ", c.hidden_size, " does not split into ", c.num_heads, " attention heads");
      c.head_dim = c.hidden_size / c.num_heads;
    }
    c.rms_norm_eps = json_get_or<double>(j, "rms_norm_eps", 1e-6, at);  // the default of all four classes
    c.max_position = json_get_or<Index>(j, "max_position_embeddings", 0, at);
    const std::string act = json_get_or<std::string>(j, "hidden_act", "silu", at);
    if (act != "silu" && act != "swish") refuse("hidden_act '", printable(act), "' is not supported; silu is");

    const bool attention_bias = json_get_or<bool>(j, "attention_bias", false, at);
    c.qkv_bias = type == "qwen2" || (type != "mistral" && attention_bias);
    c.o_bias = (type == "llama" || type == "qwen3") && attention_bias;
    c.mlp_bias = type == "llama" && json_get_or<bool>(j, "mlp_bias", false, at);
    c.qk_norm = type == "qwen3";

    const Json* window = json_find(j, "sliding_window");
    if (window && type == "mistral") c.sliding_window = json_as<Index>(*window, "sliding_window", at);
    if (type == "qwen2" || type == "qwen3") {
      if (json_get_or<bool>(j, "use_sliding_window", false, at) && window)
        refuse("use_sliding_window: layers with and without a window are not supported");
    }
    if (const Json* types = json_find(j, "layer_types"))
      for (const Json& t : *types)
        if (!t.is_string() || (t != "full_attention" && !(t == "sliding_attention" && c.sliding_window)))
          refuse("layer_types holds ", t.is_string() ? printable(t.get<std::string>()) : std::string("something else"),
                 ", which is not supported");
    rope(j, c, at);
    return c;
  }

  /// transformers 4 has `rope_theta` and `rope_scaling`, 5 one object `rope_parameters`; what that leaves out is looked
  /// for beside it, and an older `rope_scaling` goes before it (modeling_rope_utils.py).
  void rope(const Json& j, DecoderConfig& c, const std::string& at) const {
    const Json *v5 = json_find(j, "rope_parameters"), *v4 = json_find(j, "rope_scaling");
    if (v5 && v4 && *v5 != *v4) refuse("rope_scaling and rope_parameters are both there and differ");
    const std::string here = cat(at, v4 ? ": rope_scaling" : ": rope_parameters");
    const Json* scaling = v4 ? v4 : v5;
    if (scaling && !scaling->is_object()) refuse(v4 ? "rope_scaling" : "rope_parameters", " is no object");
    const auto number = [&](std::string_view key, double otherwise) {
      if (scaling && json_find(*scaling, key)) return json_get<double>(*scaling, key, here);
      return json_get_or<double>(j, key, otherwise, at);
    };
    c.rope_theta = number("rope_theta", 10000);  // the default of all four classes
    if (number("partial_rotary_factor", 1) != 1) refuse("partial_rotary_factor is not supported");
    if (!scaling) return;
    for (const auto& [key, value] : scaling->items())
      if (value.is_object()) refuse(printable(key), ": rope parameters by kind of layer are not supported");
    const std::string old = json_get_or<std::string>(*scaling, "type", "", here),
                      kind = json_get_or<std::string>(*scaling, "rope_type", old.empty() ? "default" : old, here);
    if (!old.empty() && old != kind) refuse("rope type '", printable(kind), "' and '", printable(old), "' at once");
    if (kind == "default") return;
    RopeScaling& s = c.rope_scaling;
    if (kind != "linear" && kind != "llama3")
      refuse("rope type '", printable(kind), "' is not supported; default, linear and llama3 are");
    s.kind = kind == "linear" ? RopeScaling::Kind::linear : RopeScaling::Kind::llama3;
    s.factor = json_get<double>(*scaling, "factor", here);
    if (s.kind != RopeScaling::Kind::llama3) return;
    s.low_freq_factor = json_get<double>(*scaling, "low_freq_factor", here);
    s.high_freq_factor = json_get<double>(*scaling, "high_freq_factor", here);
    s.original_max_position = json_get<Index>(*scaling, "original_max_position_embeddings", here);
  }

  LatentAttentionConfig latent(const DecoderConfig& d) const {
    const Json& j = json_object(root_, "latent_attention_config", file_);
    const std::string at = where("latent_attention_config");
    LatentAttentionConfig c;  // the class's defaults are the released sizes
    c.num_latents = json_get_or<Index>(j, "num_latents_value", c.num_latents, at);
    c.num_heads = json_get_or<Index>(j, "num_cross_heads", c.num_heads, at);
    c.head_dim = json_get_or<Index>(j, "cross_dim_head", c.head_dim, at);
    c.hidden_dim = json_get_or<Index>(j, "hidden_dim", c.hidden_dim, at);
    c.latent_dim = json_get_or<Index>(j, "latent_dim", c.latent_dim, at);
    c.mult = json_get_or<Index>(j, "mult", c.mult, at);
    c.output_normalize = json_get_or<bool>(j, "output_normalize", c.output_normalize, at);
    c.validate(at);
    if (c.hidden_dim != d.hidden_size)
      refuse("latent_attention_config.hidden_dim ", c.hidden_dim, " differs from the decoder's hidden_size ",
             d.hidden_size);
    return c;
  }

  const Json& root_;
  std::string_view file_;
};

}  // namespace detail

NVEMBED_INLINE ModelConfig config_from_json(std::string_view content, std::string_view file) {
  const Json root = parse_json(content, file);
  if (!root.is_object()) fail<FileError>("config", file, ": no JSON object");
  return detail::ConfigJson(root, file).read();
}

NVEMBED_INLINE ModelConfig config_from_gguf(const Gguf& file) {
  const auto refuse = [&](auto&&... parts) { fail<FileError>("config", file.path(), ": ", parts...); };
  ModelConfig m;
  const std::string arch = file.get<std::string>("general.architecture");
  if (arch != "llama" && arch != "llama-embed" && arch != "qwen2" && arch != "qwen3")
    refuse("architecture '", printable(arch), "' is not supported; llama, llama-embed, qwen2 and qwen3 are");
  const auto key = [&](const char* name) { return cat(arch, '.', name); };
  m.model_type = arch == "llama-embed" ? "llama" : arch;
  m.causal = file.get_or<bool>(key("attention.causal"), arch != "llama-embed");

  DecoderConfig& c = m.decoder;
  c.architecture = m.model_type;
  c.hidden_size = file.get<Index>(key("embedding_length"));
  c.intermediate_size = file.get<Index>(key("feed_forward_length"));
  c.num_layers = file.get<Index>(key("block_count"));
  c.num_heads = file.get<Index>(key("attention.head_count"));
  c.num_kv_heads = file.get_or<Index>(key("attention.head_count_kv"), c.num_heads);
  c.max_position = file.get_or<Index>(key("context_length"), 0);
  c.vocab_size = file.weight("token_embd.weight").rows;
  c.rms_norm_eps = file.get<double>(key("attention.layer_norm_rms_epsilon"));
  c.rope_theta = file.get_or<double>(key("rope.freq_base"), 10000);
  if (c.num_heads < 1 || (!file.has(key("attention.key_length")) && c.hidden_size % c.num_heads != 0))
    refuse("embedding_length ", c.hidden_size, " does not split into ", c.num_heads, " attention heads");
  c.head_dim = file.get_or<Index>(key("attention.key_length"), c.hidden_size / c.num_heads);
  if (file.get_or<Index>(key("attention.value_length"), c.head_dim) != c.head_dim)
    refuse("attention.value_length differs from key_length, which is not supported");
  if (file.get_or<Index>(key("rope.dimension_count"), c.head_dim) != c.head_dim)
    refuse("rope.dimension_count differs from the head size ", c.head_dim, ", which is not supported");
  if (file.get_or<Index>(key("expert_count"), 0) > 0) refuse("mixtures of experts are not supported");
  if (file.get_or<double>(key("rope.scaling.attn_factor"), 1) != 1)
    refuse(key("rope.scaling.attn_factor"), " is not supported");
  if (file.get_or<Index>(key("attention.sliding_window"), 0) != 0)  // 0: none
    c.sliding_window = file.get<Index>(key("attention.sliding_window"));

  // llama.cpp: linear unless said otherwise; the factor's older name is rope.scale_linear, and 0 counts as 1.
  const std::string scaling = file.get_or<std::string>(key("rope.scaling.type"), "linear");
  if (scaling == "linear") {
    const double factor =
        file.get_or<double>(key("rope.scaling.factor"), file.get_or<double>(key("rope.scale_linear"), 1));
    if (factor != 0 && factor != 1) {
      c.rope_scaling.kind = RopeScaling::Kind::linear;
      c.rope_scaling.factor = factor;
    }
  } else if (scaling != "none") {
    refuse(key("rope.scaling.type"), " '", printable(scaling), "' is not supported; none and linear are");
  }
  if (file.has_tensor("rope_freqs.weight")) {  // divisors of the frequencies: how Llama 3's scaling is stored
    const RawWeight w = file.weight("rope_freqs.weight");
    if (w.rows != 1 || w.cols != c.head_dim / 2) refuse("rope_freqs.weight should hold ", c.head_dim / 2, " numbers");
    std::vector<float> factors(static_cast<std::size_t>(w.cols));
    dequantize_row(w, 0, factors.data());
    c.rope_scaling.frequency_factors.assign(factors.begin(), factors.end());
  }
  c.qkv_bias = file.has_tensor("blk.0.attn_q.bias");
  c.o_bias = file.has_tensor("blk.0.attn_output.bias");
  c.mlp_bias = file.has_tensor("blk.0.ffn_gate.bias");
  c.qk_norm = file.has_tensor("blk.0.attn_q_norm.weight");

  if (file.has(key("pooling_type"))) {  // llama.cpp: 0 none, 1 mean, 2 cls, 3 last
    const Index pooling = file.get<Index>(key("pooling_type"));
    if (pooling == 1)
      m.pool = "mean";
    else if (pooling == 3)
      m.pool = "last_token";
    else if (pooling != 0)
      refuse(key("pooling_type"), " ", pooling, " is not supported; mean (1) and last (3) are");
  }
  c.validate(file.path());
  return m;
}

}  // namespace nvembed
