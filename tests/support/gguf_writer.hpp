#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <type_traits>

/// Writes small GGUF v3 files (f32 tensors of zeros) for tests of their metadata.
class GgufWriter {
 public:
  template <class T>
  GgufWriter& add(const std::string& key, const T& value) {
    put_string(metadata_, key);
    if constexpr (std::is_same_v<T, std::string>) {
      put(metadata_, std::uint32_t{8});
      put_string(metadata_, value);
    } else {
      static_assert(std::is_same_v<T, std::uint32_t> || std::is_same_v<T, float> || std::is_same_v<T, bool>);
      put(metadata_, std::uint32_t{std::is_same_v<T, std::uint32_t> ? 4u : std::is_same_v<T, float> ? 6u : 7u});
      put(metadata_, value);
    }
    ++pairs_;
    return *this;
  }
  /// All metadata of another one.
  GgufWriter& append(const GgufWriter& other) {
    metadata_ += other.metadata_;
    pairs_ += other.pairs_;
    return *this;
  }
  /// (rows, cols) in f32; rows 0: a vector.
  GgufWriter& tensor(const std::string& name, std::uint64_t cols, std::uint64_t rows = 0) {
    put_string(infos_, name);
    put(infos_, std::uint32_t{rows ? 2u : 1u});
    put(infos_, cols);
    if (rows) put(infos_, rows);
    put(infos_, std::uint32_t{0});
    put(infos_, data_);
    data_ += (cols * (rows ? rows : 1) * 4 + 31) / 32 * 32;
    ++tensors_;
    return *this;
  }
  void write(const std::string& path) const {
    std::string file = "GGUF";
    put(file, std::uint32_t{3});
    put(file, tensors_);
    put(file, pairs_);
    file += metadata_ + infos_;
    file.resize((file.size() + 31) / 32 * 32 + data_);
    std::ofstream(path, std::ios::binary) << file;
  }

 private:
  template <class T>
  static void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  static void put_string(std::string& out, const std::string& s) {
    put(out, static_cast<std::uint64_t>(s.size()));
    out += s;
  }

  std::string metadata_, infos_;
  std::uint64_t pairs_ = 0, tensors_ = 0, data_ = 0;
};
