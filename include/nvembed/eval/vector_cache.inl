#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nvembed/core/error.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/eval/vector_cache.hpp>
#include <nvembed/io/file_descriptor.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sha256.hpp>
#include <system_error>

namespace nvembed::eval {

// The file: a header of 64 bytes, then records of a key (16 bytes), a checksum (8) and the vector (4 dim), in the
// machine's own byte order.

inline constexpr std::size_t vector_cache_header_size = 64;

NVEMBED_INLINE std::string VectorCache::header() const {
  std::string h = cat("nvembed vectors 1, dim ", dim_);
  h.resize(vector_cache_header_size - 1, ' ');
  return h + '\n';
}

NVEMBED_INLINE VectorCache::Key VectorCache::key_of(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  const std::string hex = hash.hex();
  Key key{};
  for (std::size_t half = 0; half < 2; ++half) key[half] = std::stoull(hex.substr(16 * half, 16), nullptr, 16);
  return key;
}

NVEMBED_INLINE VectorCache::VectorCache(const std::string& folder, const std::string& fingerprint, Index dim)
    : path_(folder + "/" + fingerprint + ".vectors"), dim_(dim) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require<FileError>(!error, "cache", folder, ": cannot be made: ", error.message());
  if (!file_exists(path_)) return;
  file_ = MappedFile(path_);
  const auto bytes = file_.bytes();
  if (bytes.size() < vector_cache_header_size) return;  // whoever writes next puts it right
  require<FileError>(std::memcmp(bytes.data(), header().data(), vector_cache_header_size) == 0, "cache", path_,
                     ": does not hold vectors of ", dim_, " components; delete it");
  const std::size_t records = (bytes.size() - vector_cache_header_size) / record_size();
  offsets_.reserve(records);
  for (std::size_t r = 0; r < records; ++r) {
    const std::size_t at = vector_cache_header_size + r * record_size();
    Key key{};
    std::memcpy(key.data(), bytes.data() + at, sizeof key);
    offsets_[key] = at;
  }
}

NVEMBED_INLINE bool VectorCache::find(std::string_view text, std::span<float> out) const {
  if (offsets_.empty()) return false;
  const auto found = offsets_.find(key_of(text));
  if (found == offsets_.end()) return false;
  const auto record = file_.bytes().subspan(found->second, record_size());
  const auto vector = record.subspan(sizeof(Key) + sizeof(std::uint64_t));
  std::uint64_t expected = 0;
  std::memcpy(&expected, record.data() + sizeof(Key), sizeof expected);
  if (fnv1a(vector) != expected) return false;
  std::memcpy(out.data(), vector.data(), vector.size());
  return true;
}

NVEMBED_INLINE void VectorCache::add(std::span<const std::string_view> texts, std::span<const float> vectors) {
  std::string records;
  records.reserve(texts.size() * record_size());
  const std::size_t row_bytes = static_cast<std::size_t>(dim_) * sizeof(float);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Key key = key_of(texts[i]);
    const auto row = std::as_bytes(vectors.subspan(i * static_cast<std::size_t>(dim_), static_cast<std::size_t>(dim_)));
    const std::uint64_t sum = fnv1a(row);
    records.append(reinterpret_cast<const char*>(key.data()), sizeof key);
    records.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    records.append(reinterpret_cast<const char*>(row.data()), row_bytes);
  }
  const FileDescriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  require_system(file.get(), "cache", path_);
  require_system(::flock(file.get(), LOCK_EX), "cache", path_);
  struct stat status {};
  require_system(::fstat(file.get(), &status), "cache", path_);
  // Whole records stay; a torn one, or a torn header, is overwritten.
  std::size_t at = static_cast<std::size_t>(status.st_size);
  if (at < vector_cache_header_size) {
    records.insert(0, header());
    at = 0;
  } else {
    at -= (at - vector_cache_header_size) % record_size();
  }
  require_system(write_all_at(file.get(), records, at) ? 0 : -1, "cache", path_);
}

}  // namespace nvembed::eval
