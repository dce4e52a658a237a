#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/error.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nvembed {

/// Translates checkpoint keys, in this one place. Ours are Hugging Face's without the prefix of the model's class:
/// `embed_tokens.weight`, `layers.0.self_attn.q_proj.weight`, `norm.weight`, and for NV-Embed's head `latents`,
/// `cross_attend_blocks.0.fn.to_q.weight`. Files put `model.`, `embedding_model.` or nothing before the decoder's keys
/// and `latent_attention_model.` before the head's; GGUF has names of its own (`blk.0.attn_q.weight`).
class KeyMap {
 public:
  static KeyMap hugging_face(std::string decoder_prefix) { return KeyMap(std::move(decoder_prefix), false); }
  static KeyMap gguf() { return KeyMap("", true); }

  /// The map of a safetensors checkpoint, by where its `embed_tokens.weight` stands; `has(name)` tells which tensors
  /// there are. Throws FileError naming `path` where it is nowhere.
  template <class Has>
  static KeyMap detect(Has&& has, std::string_view path) {
    for (const char* prefix : {"model.", "", "embedding_model."})
      if (has(cat(prefix, "embed_tokens.weight"))) return hugging_face(prefix);
    fail<FileError>("key_map", path,
                    ": no tensor embed_tokens.weight, neither plain nor behind model. or embedding_model.;"
                    " is this a decoder's checkpoint?");
  }

  bool is_gguf() const { return gguf_; }
  /// What stands before the decoder's keys in the file.
  const std::string& decoder_prefix() const { return prefix_; }

  /// The file's name of our key. A key that the map does not know is passed through.
  NVEMBED_INLINE std::string foreign(std::string_view ours) const;
  /// Our key of a file's name; nothing where the name belongs to neither decoder nor head.
  NVEMBED_INLINE std::optional<std::string> ours(std::string_view foreign) const;

 private:
  KeyMap(std::string prefix, bool gguf) : prefix_(std::move(prefix)), gguf_(gguf) {}
  std::string prefix_;
  bool gguf_ = false;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/key_map.inl>
#endif
