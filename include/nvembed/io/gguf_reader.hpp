#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <nvembed/io/gguf_value.hpp>
#include <nvembed/io/printable.hpp>
#include <span>
#include <string>
#include <string_view>

namespace nvembed {

/// Walks through the header; every step is held against the bytes that are left.
class GgufReader {
 public:
  /// A header ends within 256 MiB, ten times what the largest vocabularies take: beyond that a file of holes can claim
  /// anything at no cost.
  GgufReader(std::span<const std::byte> file, std::string_view path)
      : bytes_(file.first(std::min(file.size(), longest_header))), path_(path), cut_(file.size() > longest_header) {}

  std::size_t position() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  template <class V>
  V number(std::string_view what) {
    const auto part = take(sizeof(V), what);
    V v;
    std::memcpy(&v, part.data(), sizeof v);
    return v;
  }
  std::string_view string(std::string_view what) {
    const auto part = take(number<std::uint64_t>(what), what);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }
  /// The name of a value or tensor, which is short.
  std::string_view name(std::string_view what) {
    const std::size_t at = at_;
    const std::string_view s = string(what);
    require<FileError>(s.size() <= 65535, "gguf", path_, ": byte ", at, ": a ", what, " of ", s.size(),
                       " bytes; 65535 can be read");
    return s;
  }
  /// A count of things that take at least `least` bytes each.
  std::size_t count(std::size_t least, std::string_view what, std::uint64_t most = ~std::uint64_t{0}) {
    const auto n = number<std::uint64_t>(what);
    require<FileError>(n <= left() / least, "gguf", path_, ": byte ", at_ - sizeof n, ": ", n, " ", what,
                       " do not fit into ", rest());
    require<FileError>(n <= most, "gguf", path_, ": ", n, " ", what, "; ", most, " can be read");
    return static_cast<std::size_t>(n);
  }
  GgufType type(std::string_view what) {
    const auto n = number<std::uint32_t>(what);
    require<FileError>(n <= 12, "gguf", path_, ": ", printable(what), " has unknown value type ", n);
    return static_cast<GgufType>(n);
  }
  GgufValue value(GgufType type, std::string_view key) {
    switch (type) {
      case GgufType::u8:
        return std::uint64_t{number<std::uint8_t>(key)};
      case GgufType::u16:
        return std::uint64_t{number<std::uint16_t>(key)};
      case GgufType::u32:
        return std::uint64_t{number<std::uint32_t>(key)};
      case GgufType::u64:
        return number<std::uint64_t>(key);
      case GgufType::i8:
        return std::int64_t{number<std::int8_t>(key)};
      case GgufType::i16:
        return std::int64_t{number<std::int16_t>(key)};
      case GgufType::i32:
        return std::int64_t{number<std::int32_t>(key)};
      case GgufType::i64:
        return number<std::int64_t>(key);
      case GgufType::f32:
        return double{number<float>(key)};
      case GgufType::f64:
        return number<double>(key);
      case GgufType::boolean: {
        const auto b = number<std::uint8_t>(key);
        require<FileError>(b <= 1, "gguf", path_, ": ", printable(key), " is a boolean of value ", int{b});
        return b == 1;
      }
      case GgufType::string:
        return string(key);
      case GgufType::array:
        break;
    }
    return array(key, 1);
  }

 private:
  static constexpr std::size_t longest_header = std::size_t{1} << 28;

  std::string rest() const {
    return cat("the ", left(), " bytes that are left",
               cut_ ? cat(" of a header's ", longest_header >> 20, " MiB") : "; is the file complete?");
  }
  std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
    require<FileError>(n <= left(), "gguf", path_, ": byte ", at_, ": ", printable(what), " takes ", n,
                       " bytes, which do not fit into ", rest());
    const auto part = bytes_.subspan(at_, static_cast<std::size_t>(n));
    at_ += static_cast<std::size_t>(n);
    return part;
  }
  GgufArray array(std::string_view key, int depth) {
    require<FileError>(depth <= 4, "gguf", path_, ": ", printable(key), " has arrays nested deeper than 4");
    GgufArray a;
    a.type = type(key);
    const std::size_t fixed = gguf_value_bytes(a.type);
    a.count = count(fixed ? fixed : a.type == GgufType::string ? 8 : 12, "array elements");
    const std::size_t begin = at_;
    if (fixed) {
      take(a.count * fixed, key);  // fits: count() has compared
    } else {
      for (std::size_t i = 0; i < a.count; ++i) {
        if (a.type == GgufType::string)
          string(key);
        else
          array(key, depth + 1);
      }
    }
    a.bytes = bytes_.subspan(begin, at_ - begin);
    return a;
  }

  std::span<const std::byte> bytes_;
  std::string_view path_;
  bool cut_;
  std::size_t at_ = 0;
};

}  // namespace nvembed
