#pragma once

#include <filesystem>
#include <nvembed/core/config.hpp>
#include <nvembed/embed/load_options.hpp>
#include <nvembed/embed/settings.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/text/any_tokenizer.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed {

/// A model as its files describe it: everything but the packed weights. `load` makes a TextEmbedder of it; a composed
/// pipeline takes what it needs.
struct ModelFiles {
  std::filesystem::path path;
  Weights weights;  ///< opened and checked, not read
  DecoderConfig decoder = {};
  std::optional<LatentAttentionConfig> latent = {};  ///< NV-Embed's head
  mask::Any mask = {};
  std::string pool = {};  ///< mean, weighted_mean, last_token, latent_attention or none
  bool normalize = true;
  bool bare = false;  ///< a plain language model: nobody has trained it to embed
  EmbedderSettings settings = {};
  text::AnyTokenizer tokenizer = {};
  std::vector<std::string> notices = {};  ///< what a user should know

  /// What tells this model apart: SHA-256 over `weights.digest()` and the config and tokenizer files beside the
  /// weights.
  NVEMBED_INLINE std::string digest() const;
  /// Parameters of decoder and head, as stored.
  NVEMBED_INLINE Index parameters() const;
  /// Bytes that packed weights take in f32, the head folded.
  NVEMBED_INLINE Index weight_bytes() const;
  /// Bytes of activations that one forward pass of `tokens` tokens takes at most, about.
  NVEMBED_INLINE Index activation_bytes(Index tokens) const;
};

/// Opens a Hugging Face folder (config.json, safetensors, tokenizer files, Sentence-Transformers side files) or a GGUF
/// file. Reads headers and tokenizer only. Throws FileError naming file and key for anything missing, broken or
/// unknown.
NVEMBED_INLINE ModelFiles open_model(const std::filesystem::path& path, const LoadOptions& options = {});

/// Names of the files of a model folder, beside its weights, that `open_model` reads, those that are there.
NVEMBED_INLINE std::vector<std::string> side_files(const std::filesystem::path& folder);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/model_files.inl>
#endif
