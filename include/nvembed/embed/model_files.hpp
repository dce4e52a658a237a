#pragma once

#include <filesystem>
#include <nvembed/core/config.hpp>
#include <nvembed/core/precision.hpp>
#include <nvembed/embed/embedder_folder.hpp>
#include <nvembed/embed/load_options.hpp>
#include <nvembed/embed/settings.hpp>
#include <nvembed/io/adapter.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/mask/any.hpp>
#include <nvembed/model/config.hpp>
#include <nvembed/text/any_tokenizer.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed {

/// A model as its files describe it: everything but the packed weights. `load` makes a TextEmbedder of it; a composed
/// pipeline takes what it needs.
struct ModelFiles {
  std::filesystem::path path;
  std::filesystem::path base;  ///< where configuration and tokenizer lie: `path`, or the base of an adapter or embedder
  Weights weights;  ///< opened and checked, not read; what an embedder folder replaces is replaced
  std::optional<Adapter> adapter = {};  ///< `load` merges it; `load_adapter` attaches it
  std::optional<EmbedderFolder> embedder = {};  ///< nvembed.json
  DecoderConfig decoder = {};
  std::optional<LatentAttentionConfig> latent = {};  ///< of NV-Embed's head, or of one that was trained
  mask::Any mask = {};
  std::string pool = {};  ///< mean, weighted_mean, last_token, latent_attention or none
  bool normalize = true;
  bool bare = false;  ///< a plain language model: nobody has trained it to embed
  EmbedderSettings settings = {};
  text::AnyTokenizer tokenizer = {};
  std::vector<std::string> notices = {};  ///< what a user should know

  /// What tells this model apart: SHA-256 over `weights.digest()`, the config and tokenizer files beside the weights,
  /// adapter and head.
  NVEMBED_INLINE std::string digest() const;
  /// All files that it was read from.
  NVEMBED_INLINE std::vector<std::string> paths() const;
  /// Parameters of decoder and head, as stored.
  NVEMBED_INLINE Index parameters() const;
  /// How the file holds most of its weights.
  NVEMBED_INLINE Precision stored_precision() const;
  /// Bytes that weights take once packed, about, the head folded.
  NVEMBED_INLINE Index weight_bytes(Precision precision) const;
  /// Bytes of activations that one forward pass of `tokens` tokens takes at most, about.
  NVEMBED_INLINE Index activation_bytes(Index tokens) const;
};

/// Opens a Hugging Face folder (config.json, safetensors, tokenizer files, Sentence-Transformers side files), a GGUF
/// file, an embedder folder (nvembed.json) or a PEFT adapter's folder, whose base `find_base` looks for. Reads headers
/// and tokenizer only. Throws FileError naming file and key for anything missing, broken or
/// unknown.
NVEMBED_INLINE ModelFiles open_model(const std::filesystem::path& path, const LoadOptions& options = {});

/// Names of the files of a model folder, beside its weights, that `open_model` reads, those that are there.
NVEMBED_INLINE std::vector<std::string> side_files(const std::filesystem::path& folder);

/// How weights are held where `asked` is f32, f16, bf16, int8, fp8 or q4: so. Where it is empty: f32, or what the file holds
/// where f32 does not fit into `free` bytes. `auto`: the fastest way that fits and keeps the cosine to f32 above 0.999,
/// which on CPUs is f32, then 16 bits, then int8; `half_is_faster` where 16 bits come first, as on a GPU. Throws InputError for another word.
NVEMBED_INLINE Precision choose_precision(const ModelFiles& files, std::string_view asked, Index free,
                                          bool half_is_faster = false);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/model_files.inl>
#endif
