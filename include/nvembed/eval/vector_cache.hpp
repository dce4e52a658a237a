#pragma once

#include <array>
#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/io/mapped_file.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nvembed::eval {

/// Vectors of texts under one fingerprint, kept in a file between runs: found again by a text's content. The file
/// `FINGERPRINT.vectors` grows; what a killed run left unfinished at its end, or what is damaged, is not found and is
/// written anew. Several programs may use it at once.
class VectorCache {
 public:
  /// Makes `folder` where it is missing. Throws FileError where it cannot be made or the file is of another kind.
  NVEMBED_INLINE VectorCache(const std::string& folder, const std::string& fingerprint, Index dim);

  /// Copies the text's vector to `out` (dim). False where it is not there.
  NVEMBED_INLINE bool find(std::string_view text, std::span<float> out) const;
  /// Appends vectors, (texts, dim) row-major. Throws FileError where they cannot be written.
  NVEMBED_INLINE void add(std::span<const std::string_view> texts, std::span<const float> vectors);

 private:
  using Key = std::array<std::uint64_t, 2>;  ///< the first half of the text's SHA-256
  struct KeyHash {
    std::size_t operator()(const Key& k) const { return static_cast<std::size_t>(k[0]); }
  };
  static NVEMBED_INLINE Key key_of(std::string_view text);
  std::size_t record_size() const { return sizeof(Key) + sizeof(std::uint64_t) + static_cast<std::size_t>(dim_) * 4; }
  NVEMBED_INLINE std::string header() const;

  std::string path_;
  Index dim_;
  MappedFile file_;  ///< as it was when the cache was opened
  std::unordered_map<Key, std::size_t, KeyHash> offsets_;
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/vector_cache.inl>
#endif
