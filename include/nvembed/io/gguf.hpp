#pragma once

#include <array>
#include <concepts>
#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/io/gguf_value.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed {

/// A GGUF file (version 2 or 3, little-endian), mapped and checked: every count, length, type, offset and overlap.
/// Strings and arrays are views into the mapping, which copies of this object share. Format: docs/gguf.md of
/// github.com/ggml-org/ggml. All errors are FileError and name file and key or tensor.
class Gguf {
 public:
  struct Tensor {
    std::uint32_t type = 0;   ///< ggml's number
    std::vector<Index> dims;  ///< as stored: the first runs fastest, so it is the number of columns
    std::span<const std::byte> bytes;
  };

  NVEMBED_INLINE explicit Gguf(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const MappedFile& file() const { return file_; }
  /// The first bytes of the file up to its first tensor.
  std::span<const std::byte> header() const { return header_; }

  const std::map<std::string_view, GgufValue>& metadata() const { return metadata_; }
  const GgufValue* find(std::string_view key) const {
    const auto at = metadata_.find(key);
    return at == metadata_.end() ? nullptr : &at->second;
  }
  bool has(std::string_view key) const { return find(key) != nullptr; }

  /// The value of `key`; throws where it is missing or of another kind. Any integer that fits is an Index, any number
  /// a double.
  template <class V>
  requires std::same_as<V, bool> || std::same_as<V, Index> || std::same_as<V, double> || std::same_as<V, std::string> V
  get(std::string_view key)
  const {
    const GgufValue* value = find(key);
    if (!value) missing(key);
    if constexpr (std::same_as<V, bool>) return as_bool(key, *value);
    if constexpr (std::same_as<V, Index>) return as_index(key, *value);
    if constexpr (std::same_as<V, double>) return as_double(key, *value);
    if constexpr (std::same_as<V, std::string>) return std::string(as_string(key, *value));
  }
  /// The same, `otherwise` where the key is missing.
  template <class V>
  V get_or(std::string_view key, V otherwise) const {
    return has(key) ? get<V>(key) : otherwise;
  }
  /// An array as it lies in the file; throws where the key is missing or no array.
  NVEMBED_INLINE const GgufArray& array(std::string_view key) const;
  /// An array of strings (views into the mapping), or of numbers; throws where it is missing or of another kind.
  NVEMBED_INLINE std::vector<std::string_view> strings(std::string_view key) const;
  NVEMBED_INLINE std::vector<double> numbers(std::string_view key) const;

  const std::map<std::string_view, Tensor>& tensors() const { return tensors_; }
  bool has_tensor(std::string_view name) const { return tensors_.contains(name); }
  /// A matrix, or a vector as one row, in stored row order; throws for another rank and for block types that are not
  /// among DType.
  NVEMBED_INLINE RawWeight weight(std::string_view name) const;

 private:
  [[noreturn]] NVEMBED_INLINE void missing(std::string_view key) const;
  NVEMBED_INLINE bool as_bool(std::string_view key, const GgufValue& value) const;
  NVEMBED_INLINE Index as_index(std::string_view key, const GgufValue& value) const;
  NVEMBED_INLINE double as_double(std::string_view key, const GgufValue& value) const;
  NVEMBED_INLINE std::string_view as_string(std::string_view key, const GgufValue& value) const;

  MappedFile file_;
  std::span<const std::byte> header_;
  std::map<std::string_view, GgufValue> metadata_;
  std::map<std::string_view, Tensor> tensors_;
};

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/gguf.inl>
#endif
