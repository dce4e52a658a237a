#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/io/gguf.hpp>
#include <nvembed/io/key_map.hpp>
#include <nvembed/io/safetensors.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed {

/// The weights of a checkpoint under our keys (`KeyMap`), whatever file they lie in. Nothing is read before it is used.
class Weights {
 public:
  /// A folder (`model.safetensors`, else `model.safetensors.index.json`), a safetensors file, an index, or a GGUF file.
  /// Throws FileError where that is none of these or its content is broken.
  NVEMBED_INLINE explicit Weights(const std::string& path);

  /// Puts the tensors of a safetensors file in the place of this checkpoint's, or beside them. They have our keys, the
  /// head's behind `latent_attention_model.`; rows stand in Hugging Face's order. Throws FileError for one that is
  /// neither the decoder's nor the head's.
  NVEMBED_INLINE void replace(const std::string& path);

  bool has(std::string_view key) const {
    if (replacement(key)) return true;
    const std::string name = keys_.foreign(key);
    return gguf_ ? gguf_->has_tensor(name) : safetensors_->find(name) != nullptr;
  }
  /// The stored matrix `key`, which must be (rows, cols); a vector is one row. Throws FileError naming file, key and
  /// both shapes. Rows come out in Hugging Face's order: what llama.cpp permuted in llama-type models carries a RowMap,
  /// or, being a vector, is a copy.
  NVEMBED_INLINE RawWeight get(std::string_view key, Index rows, Index cols) const;

  /// Says that `w` will not be read again: its pages leave this process.
  void done(const RawWeight& w) const {
    if (w.mapped) MappedFile::advise_dont_need(w.bytes);
  }

  /// Our keys of all tensors that belong to the model, in the order of the file's names.
  NVEMBED_INLINE std::vector<std::string> keys() const;
  /// Bytes of all tensors of the model.
  NVEMBED_INLINE Index total_bytes() const;
  /// Bytes of all files, headers included.
  NVEMBED_INLINE Index file_bytes() const;
  /// All files, in the order of their first mention.
  NVEMBED_INLINE std::vector<std::string> paths() const;
  /// What tells models apart without reading them whole (DigestOfSamples).
  NVEMBED_INLINE std::string digest() const;

  const KeyMap& key_map() const { return keys_; }
  /// The GGUF file, or nullptr where the weights are safetensors.
  const Gguf* gguf() const { return gguf_ ? &*gguf_ : nullptr; }
  const Safetensors* safetensors() const { return safetensors_ ? &*safetensors_ : nullptr; }

 private:
  /// The last file that replaces a key, or nullptr.
  NVEMBED_INLINE const Safetensors* replacement(std::string_view key) const;
  /// f(our key, bytes) for every tensor of the model.
  template <class F>
  void for_each(F&& f) const;
  NVEMBED_INLINE RawWeight unpermuted(RawWeight w) const;

  KeyMap keys_ = KeyMap::gguf();
  std::optional<Gguf> gguf_;
  std::optional<Safetensors> safetensors_;
  std::vector<Safetensors> replaced_;
  Index permuted_head_dim_ = 0;  // of a llama-type GGUF
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/weights.inl>
#endif
