#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed {

/// Tensors of one `.safetensors` file, or of the shards that a `.safetensors.index.json` names, mapped and checked:
/// header length, every offset, dtype, shape and overlap. Format: the safetensors README (github.com/huggingface/
/// safetensors). All errors are FileError and name file and tensor.
class Safetensors {
 public:
  struct Entry {
    std::string dtype;  ///< as the file spells it: F32, I64, ...
    std::vector<Index> shape;
    std::span<const std::byte> bytes;
    std::size_t file = 0;  ///< number of the file in `files()`

    /// Product of the shape (1 for a scalar).
    Index size() const {
      Index n = 1;
      for (const Index e : shape) n *= e;
      return n;
    }
  };

  /// `path` ends in `.json` for an index. Its shards must be plain file names in the same folder.
  NVEMBED_INLINE explicit Safetensors(const std::string& path);

  const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, entry] : entries_) names.push_back(name);
    return names;
  }
  const Entry* find(std::string_view name) const {
    const auto at = entries_.find(name);
    return at == entries_.end() ? nullptr : &at->second;
  }
  /// The entry; throws where there is none.
  NVEMBED_INLINE const Entry& at(std::string_view name) const;
  const std::vector<Index>& shape(std::string_view name) const { return at(name).shape; }

  /// A matrix, or a vector as one row; throws for another rank and for dtypes other than F32, F16, BF16, F64.
  NVEMBED_INLINE RawWeight weight(std::string_view name) const;

  /// `__metadata__` of all files.
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }
  const std::vector<MappedFile>& files() const { return files_; }
  /// The first bytes of a file up to its first tensor.
  std::span<const std::byte> header(std::size_t file) const { return headers_[file]; }
  /// The path this was opened by.
  const std::string& path() const { return path_; }
  /// SHA-256 of each file's header and size and of 64 bytes out of the middle of each tensor: tells models apart,
  /// fine-tuned copies of one model among them, without reading them whole.
  NVEMBED_INLINE std::string digest() const;
  /// Bytes of all files.
  Index total_size() const {
    Index n = 0;
    for (const MappedFile& file : files_) n += static_cast<Index>(file.bytes().size());
    return n;
  }

 private:
  NVEMBED_INLINE std::map<std::string, Entry, std::less<>> read_file_entries(const std::string& path);
  NVEMBED_INLINE void read_index();

  std::string path_;
  std::vector<MappedFile> files_;
  std::vector<std::span<const std::byte>> headers_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/safetensors.inl>
#endif
