#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/io/gguf.hpp>
#include <nvembed/model/config.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace nvembed {

/// A model as its config names it.
struct ModelConfig {
  std::string model_type;  ///< llama, mistral, qwen2, qwen3 or nvembed
  DecoderConfig decoder;
  std::optional<LatentAttentionConfig> latent;  ///< nvembed
  bool mask_instruction = true;                 ///< nvembed's is_mask_instruction
  bool causal = true;                           ///< the decoder's own attention looks back only
  std::string pool;  ///< where the file names a pooling of its own (GGUF `pooling_type`): mean, last_token; else empty
};

/// The content of a Hugging Face `config.json`, in the spelling of transformers 4 (`rope_theta`, `rope_scaling`) or 5
/// (`rope_parameters`). Sizes are read, never guessed: a missing key is a FileError naming it, but for those that the
/// model class itself fills in (head_dim = hidden_size / heads, key-value heads = heads, NV-Embed's latent sizes).
NVEMBED_INLINE ModelConfig config_from_json(std::string_view content, std::string_view file);

/// The same from GGUF metadata, architectures llama, llama-embed, qwen2 and qwen3.
NVEMBED_INLINE ModelConfig config_from_gguf(const Gguf& file);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/config.inl>
#endif
