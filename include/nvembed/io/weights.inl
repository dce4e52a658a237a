#pragma once

#include <cstring>
#include <memory>
#include <nvembed/io/digest_of_samples.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sha256.hpp>
#include <nvembed/io/weights.hpp>

namespace nvembed {
namespace detail {

/// Whether a file starts with GGUF's magic number; false where it cannot be read.
inline bool looks_like_gguf(const std::string& path) {
  const auto fd = open_regular(path, "weights").first;
  char magic[4] = {};
  return ::read(fd.get(), magic, sizeof magic) == sizeof magic && std::memcmp(magic, "GGUF", 4) == 0;
}

/// Keys of files that replace tensors: ours, the head's behind its prefix.
inline const KeyMap& replaced_keys() {
  static const KeyMap keys = KeyMap::hugging_face("");
  return keys;
}

}  // namespace detail

NVEMBED_INLINE Weights::Weights(const std::string& path) {
  std::string file = path;
  if (is_folder(path)) {
    file = cat(path, "/model.safetensors");
    if (!file_exists(file)) file += ".index.json";
    require<FileError>(file_exists(file), "weights", path,
                       ": neither model.safetensors nor model.safetensors.index.json is there; a model is a Hugging "
                       "Face folder or a .gguf file");
  }
  if (!file.ends_with(".json") && detail::looks_like_gguf(file)) {
    gguf_.emplace(file);
    // llama.cpp rotates neighbouring pairs in these architectures and stores the rows of q and k to suit.
    const auto architecture = gguf_->get<std::string>("general.architecture");
    if (architecture == "llama" || architecture == "llama-embed") {
      const Index heads = gguf_->get<Index>(architecture + ".attention.head_count");
      const Index width = gguf_->get<Index>(architecture + ".embedding_length");
      require<FileError>(heads >= 1, "weights", file, ": ", architecture, ".attention.head_count is ", heads);
      permuted_head_dim_ = gguf_->get_or<Index>(architecture + ".attention.key_length", width / heads);
      require<FileError>(permuted_head_dim_ >= 2 && permuted_head_dim_ % 2 == 0, "weights", file, ": heads of ",
                         permuted_head_dim_, " elements; ", architecture, ".embedding_length is ", width);
    }
  } else {
    require<FileError>(file.ends_with(".json") || file.ends_with(".safetensors"), "weights", file,
                       ": is no GGUF file; a model is a Hugging Face folder or a .gguf file");
    safetensors_.emplace(file);
    keys_ = KeyMap::detect([&](const std::string& name) { return safetensors_->find(name) != nullptr; }, file);
  }
}

NVEMBED_INLINE RawWeight Weights::get(std::string_view key, Index rows, Index cols) const {
  const std::string name = keys_.foreign(key);
  const Safetensors* other = replacement(key);
  RawWeight w = other   ? other->weight(detail::replaced_keys().foreign(key))
                : gguf_ ? gguf_->weight(name)
                        : safetensors_->weight(name);
  require<FileError>(w.rows == rows && w.cols == cols, "weights", w.name, " is (", w.rows, ", ", w.cols,
                     ") in the file, but the configuration asks for (", rows, ", ", cols, ")");
  const bool q_or_k = key.find(".self_attn.q_proj.") != key.npos || key.find(".self_attn.k_proj.") != key.npos;
  return permuted_head_dim_ && q_or_k && !other ? unpermuted(std::move(w)) : w;
}

NVEMBED_INLINE RawWeight Weights::unpermuted(RawWeight w) const {
  const RowMap map{permuted_head_dim_};
  const Index rows = w.rows == 1 ? w.cols : w.rows;
  require<FileError>(rows % map.head_dim == 0, "weights", w.name, ": ", rows, " rows are no whole heads of ",
                     map.head_dim);
  if (w.rows > 1) {
    w.row_map = map;
    return w;
  }
  const auto width = static_cast<std::size_t>(info(w.dtype).bytes);
  require<FileError>(info(w.dtype).block == 1, "weights", w.name, ": a permuted vector cannot be stored in blocks");
  const auto copy = std::make_shared<std::vector<std::byte>>(w.bytes.size());
  for (Index r = 0; r < rows; ++r)
    std::memcpy(copy->data() + static_cast<std::size_t>(r) * width,
                w.bytes.data() + static_cast<std::size_t>(map.stored(r)) * width, width);
  w.bytes = *copy;
  w.owner = copy;
  w.mapped = false;
  return w;
}

NVEMBED_INLINE void Weights::replace(const std::string& path) {
  Safetensors file(path);
  for (const auto& [name, entry] : file.entries())
    require<FileError>(detail::replaced_keys().ours(name).has_value(), "weights", path, " holds ", printable(name),
                       ", which belongs to neither decoder nor head");
  replaced_.push_back(std::move(file));
}

NVEMBED_INLINE const Safetensors* Weights::replacement(std::string_view key) const {
  for (auto file = replaced_.rbegin(); file != replaced_.rend(); ++file)
    if (file->find(detail::replaced_keys().foreign(key))) return &*file;
  return nullptr;
}

template <class F>
void Weights::for_each(F&& f) const {
  const auto own = [&](std::string_view name, std::span<const std::byte> bytes) {
    if (const auto key = keys_.ours(name); key && !replacement(*key)) f(*key, bytes);
  };
  if (gguf_)
    for (const auto& [name, tensor] : gguf_->tensors()) own(name, tensor.bytes);
  else
    for (const auto& [name, entry] : safetensors_->entries()) own(name, entry.bytes);
  for (const Safetensors& file : replaced_)
    for (const auto& [name, entry] : file.entries())
      if (const auto key = detail::replaced_keys().ours(name); key && replacement(*key) == &file) f(*key, entry.bytes);
}

NVEMBED_INLINE std::vector<std::string> Weights::keys() const {
  std::vector<std::string> keys;
  for_each([&](const std::string& key, std::span<const std::byte>) { keys.push_back(key); });
  return keys;
}

NVEMBED_INLINE Index Weights::total_bytes() const {
  Index total = 0;
  for_each([&](const std::string&, std::span<const std::byte> bytes) { total += static_cast<Index>(bytes.size()); });
  return total;
}

NVEMBED_INLINE Index Weights::file_bytes() const {
  Index n = gguf_ ? static_cast<Index>(gguf_->file().bytes().size()) : safetensors_->total_size();
  for (const Safetensors& file : replaced_) n += file.total_size();
  return n;
}

NVEMBED_INLINE std::vector<std::string> Weights::paths() const {
  std::vector<std::string> paths;
  const auto add = [&](const Safetensors& weights) {
    if (weights.path().ends_with(".json")) paths.push_back(weights.path());
    for (const MappedFile& file : weights.files()) paths.push_back(file.path());
  };
  if (gguf_)
    paths.push_back(gguf_->path());
  else
    add(*safetensors_);
  for (const Safetensors& file : replaced_) add(file);
  return paths;
}

NVEMBED_INLINE std::string Weights::digest() const {
  std::string digest;
  if (gguf_) {
    DigestOfSamples samples;
    samples.add_file(gguf_->header(), gguf_->file().bytes().size());
    for (const auto& [name, tensor] : gguf_->tensors()) samples.add_tensor(tensor.bytes);
    digest = samples.hex();
  } else {
    digest = safetensors_->digest();
  }
  if (replaced_.empty()) return digest;
  Sha256 hash;
  hash.update(digest);
  for (const Safetensors& file : replaced_) hash.update(file.digest());
  return hash.hex();
}

}  // namespace nvembed
