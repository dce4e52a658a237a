#pragma once

#include <filesystem>
#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/embed/settings.hpp>
#include <nvembed/io/weights.hpp>
#include <nvembed/model/config.hpp>
#include <optional>
#include <string>

namespace nvembed {

/// The model that an embedder was made from.
struct BaseModel {
  std::string path;                             ///< from the embedder's folder, or absolute; `.`: it lies in there
  std::string name;                             ///< last part of the path: what it is called where it lies elsewhere
  Index size = 0;                               ///< bytes of its weight files
  std::string digest;                           ///< Weights::digest
  std::map<std::string, std::string> sha256{};  ///< of whole weight files by name, where somebody has read them
};

/// A file of the embedder's own.
struct EmbedderPart {
  std::string file;
  Index size = 0;
  std::string digest;
  std::string sha256 = {};  ///< of the whole file; empty in older folders
};

/// What stands in nvembed.json: an embedder as training leaves it, beside the files that it names. The base is not
/// copied; what was trained lies over it. Where `export_model` has written a whole model, the folder is its own base.
struct EmbedderFolder {
  static constexpr const char* file = "nvembed.json";
  static constexpr Index version = 1;

  BaseModel base;
  std::optional<EmbedderPart> adapter{};  ///< a LoRA adapter in PEFT's layout, in the same folder
  std::optional<EmbedderPart> weights{};  ///< decoder tensors that were trained in full, under our keys
  std::optional<EmbedderPart> head{};  ///< a latent-attention head under the released keys, `latent_attention_model.`
  std::optional<LatentAttentionConfig> latent{};  ///< of the head
  std::string mask = "bidirectional", pool = "mean";
  bool normalize = true;
  EmbedderSettings settings{};
  std::string precision{};  ///< how frozen weights were held while it was trained; a note

  /// Whether `folder` holds one.
  static NVEMBED_INLINE bool is_in(const std::filesystem::path& folder);
};

/// Writes nvembed.json, whole or not at all: last, for it names the sizes and digests of all other files.
NVEMBED_INLINE void write_embedder_folder(const std::filesystem::path& folder, const EmbedderFolder& embedder);

/// Reads nvembed.json. Throws FileError naming file and key for what is missing, unknown or of another version. Opens
/// no other file.
NVEMBED_INLINE EmbedderFolder read_embedder_folder(const std::filesystem::path& folder);

/// How `folder` will name the base at `path`. `whole`: every weight file is read for its SHA-256.
NVEMBED_INLINE BaseModel describe_base(const std::filesystem::path& path, const std::filesystem::path& folder,
                                       bool whole = false);

/// A safetensors file of the folder's own as it stands now. `whole`: it is read for its SHA-256.
NVEMBED_INLINE EmbedderPart describe_part(const std::filesystem::path& folder, const std::string& file,
                                          bool whole = true);

/// The SHA-256 that is recorded for a weight file of the embedder's or its base's; empty where none is. A base of one
/// file is known whatever that is called.
NVEMBED_INLINE std::string recorded_sha256(const EmbedderFolder& embedder, const std::string& path);

/// Throws FileError unless it is the file that was described: something else was written over it.
NVEMBED_INLINE void check_part(const std::filesystem::path& folder, const EmbedderPart& part);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/embedder_folder.inl>
#endif
