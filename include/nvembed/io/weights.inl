#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <nvembed/io/file_descriptor.hpp>
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

/// f(bytes) for every tensor of the model.
template <class F>
void for_each_tensor(const Gguf* gguf, const Safetensors* safetensors, F&& f) {
  if (gguf)
    for (const auto& [name, tensor] : gguf->tensors()) f(name, tensor.bytes);
  else
    for (const auto& [name, entry] : safetensors->entries()) f(name, entry.bytes);
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
  RawWeight w = gguf_ ? gguf_->weight(name) : safetensors_->weight(name);
  require<FileError>(w.rows == rows && w.cols == cols, "weights", w.name, " is (", w.rows, ", ", w.cols,
                     ") in the file, but the configuration asks for (", rows, ", ", cols, ")");
  const bool q_or_k = key.find(".self_attn.q_proj.") != key.npos || key.find(".self_attn.k_proj.") != key.npos;
  return permuted_head_dim_ && q_or_k ? unpermuted(std::move(w)) : w;
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

NVEMBED_INLINE std::vector<std::string> Weights::keys() const {
  std::vector<std::string> keys;
  detail::for_each_tensor(gguf(), safetensors(), [&](std::string_view name, std::span<const std::byte>) {
    if (auto key = keys_.ours(name)) keys.push_back(std::move(*key));
  });
  return keys;
}

NVEMBED_INLINE Index Weights::total_bytes() const {
  Index total = 0;
  detail::for_each_tensor(gguf(), safetensors(), [&](std::string_view name, std::span<const std::byte> bytes) {
    if (keys_.ours(name)) total += static_cast<Index>(bytes.size());
  });
  return total;
}

NVEMBED_INLINE std::vector<std::string> Weights::paths() const {
  if (gguf_) return {gguf_->path()};
  std::vector<std::string> paths;
  if (safetensors_->path().ends_with(".json")) paths.push_back(safetensors_->path());
  for (const MappedFile& file : safetensors_->files()) paths.push_back(file.path());
  return paths;
}

NVEMBED_INLINE std::string Weights::digest() const {
  Sha256 hash;
  const auto add = [&](std::span<const std::byte> header, std::size_t size) {
    hash.update(cat(header.size(), ' ', size, '\n'));
    hash.update(header);
  };
  if (gguf_)
    add(gguf_->header(), gguf_->file().bytes().size());
  else
    for (std::size_t f = 0; f < safetensors_->files().size(); ++f)
      add(safetensors_->header(f), safetensors_->files()[f].bytes().size());
  detail::for_each_tensor(gguf(), safetensors(), [&](std::string_view, std::span<const std::byte> bytes) {
    const std::size_t begin = bytes.size() / 2;
    hash.update(bytes.subspan(begin, std::min<std::size_t>(64, bytes.size() - begin)));
  });
  return hash.hex();
}

}  // namespace nvembed
