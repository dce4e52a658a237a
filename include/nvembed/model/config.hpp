#pragma once

#include <cmath>
#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed {

/// How rotary frequencies are stretched beyond the trained length; see `rope_frequencies`.
struct RopeScaling {
  enum class Kind : std::uint8_t { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1, low_freq_factor = 1, high_freq_factor = 4;
  Index original_max_position = 0;
  std::vector<double> frequency_factors;  ///< GGUF `rope_freqs`: divide the frequencies one by one; or empty
};

namespace detail {
inline void check_extent(std::string_view place, const char* name, Index value, Index most) {
  require<FileError>(value >= 1 && value <= most, place, name, " is ", value, "; it should be 1 to ", most);
}
inline void check_positive(std::string_view place, const char* name, double value) {
  require<FileError>(std::isfinite(value) && value > 0, place, name, " is ", value, "; it should be a positive number");
}
}  // namespace detail

/// A decoder of the Llama family, as its file describes it. Names are Hugging Face's.
struct DecoderConfig {
  std::string architecture;  ///< llama, mistral, qwen2 or qwen3
  Index vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_layers = 0;
  Index num_heads = 0, num_kv_heads = 0, head_dim = 0;
  double rms_norm_eps = 1e-6, rope_theta = 10000;
  RopeScaling rope_scaling;
  Index max_position = 0;               ///< trained length in tokens; 0 where the file does not say
  std::optional<Index> sliding_window;  ///< only where the model really applies it; counts the token itself
  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  bool qk_norm = false;  ///< RMSNorm of every q and k head (Qwen3)

  /// Throws FileError where a size is missing, absurd (so that nothing is allocated by a lie) or does not fit the
  /// others.
  void validate(std::string_view place) const {
    constexpr Index wide = Index{1} << 20;
    detail::check_extent(place, "num_hidden_layers", num_layers, 1024);
    detail::check_extent(place, "vocab_size", vocab_size, Index{1} << 24);
    require<FileError>(0 <= max_position && max_position <= Index{1} << 40, place, "max_position_embeddings is ",
                       max_position, "; it should be 0 (no limit) to 2^40");
    detail::check_extent(place, "hidden_size", hidden_size, wide);
    detail::check_extent(place, "intermediate_size", intermediate_size, wide);
    detail::check_extent(place, "num_attention_heads", num_heads, wide);
    detail::check_extent(place, "num_key_value_heads", num_kv_heads, wide);
    detail::check_extent(place, "head_dim", head_dim, 1 << 14);
    // Bounds the number of parameters well inside an Index, whatever the other sizes are.
    detail::check_extent(place, "num_attention_heads * head_dim", num_heads * head_dim, wide);
    detail::check_extent(place, "num_key_value_heads * head_dim", num_kv_heads * head_dim, wide);
    require<FileError>(num_heads % num_kv_heads == 0, place, num_heads, " attention heads do not share ", num_kv_heads,
                       " key-value heads evenly");
    require<FileError>(head_dim % 2 == 0, place, "head_dim ", head_dim, " is odd; rotary embedding needs pairs");
    detail::check_positive(place, "rms_norm_eps", rms_norm_eps);
    detail::check_positive(place, "rope_theta", rope_theta);
    if (rope_scaling.kind != RopeScaling::Kind::none)
      detail::check_positive(place, "rope scaling factor", rope_scaling.factor);
    if (rope_scaling.kind == RopeScaling::Kind::llama3) {
      detail::check_positive(place, "low_freq_factor", rope_scaling.low_freq_factor);
      require<FileError>(rope_scaling.high_freq_factor > rope_scaling.low_freq_factor, place,
                         "high_freq_factor should exceed low_freq_factor");
      detail::check_extent(place, "original_max_position_embeddings", rope_scaling.original_max_position,
                           Index{1} << 30);
    }
    for (const double f : rope_scaling.frequency_factors) detail::check_positive(place, "rope frequency factor", f);
    require<FileError>(rope_scaling.frequency_factors.empty() ||
                           static_cast<Index>(rope_scaling.frequency_factors.size()) == head_dim / 2,
                       place, rope_scaling.frequency_factors.size(), " rope frequency factors for head_dim ", head_dim);
    if (sliding_window) detail::check_extent(place, "sliding_window", *sliding_window, Index{1} << 40);
  }
};

/// NV-Embed's head. The defaults are the released model's sizes: its config.json names none.
struct LatentAttentionConfig {
  Index num_latents = 512, num_heads = 8, head_dim = 4096;  ///< num_latents_value, num_cross_heads, cross_dim_head
  Index hidden_dim = 4096, latent_dim = 4096;
  Index mult = 4;  ///< GEGLU width over hidden_dim
  bool output_normalize = true;

  void validate(std::string_view place) const {
    detail::check_extent(place, "num_latents_value", num_latents, 1 << 16);
    detail::check_extent(place, "num_cross_heads", num_heads, 1 << 12);
    detail::check_extent(place, "cross_dim_head", head_dim, 1 << 16);
    detail::check_extent(place, "hidden_dim", hidden_dim, 1 << 20);
    detail::check_extent(place, "mult", mult, 64);
    require<FileError>(latent_dim == hidden_dim, place, "latent_dim ", latent_dim, " differs from hidden_dim ",
                       hidden_dim, "; the released layer needs them equal");
  }
};

/// The self-attention pooling head (pool::SelfAttention).
struct SelfAttentionPoolConfig {
  Index num_heads = 0, head_dim = 0, hidden_dim = 0, mult = 4;

  void validate(std::string_view place) const {
    detail::check_extent(place, "num_heads", num_heads, 1 << 12);
    detail::check_extent(place, "head_dim", head_dim, 1 << 16);
    detail::check_extent(place, "hidden_dim", hidden_dim, 1 << 20);
    detail::check_extent(place, "mult", mult, 64);
  }
};

}  // namespace nvembed
