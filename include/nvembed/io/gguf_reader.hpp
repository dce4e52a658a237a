#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvembed/core/error.hpp>
#include <nvembed/io/gguf_value.hpp>
#include <nvembed/io/printable.hpp>
#include <span>
#include <string_view>

namespace nvembed {

/// Walks through the header; every step is held against the bytes that are left.
class GgufReader {
 public:
  GgufReader(std::span<const std::byte> bytes, std::string_view path) : bytes_(bytes), path_(path) {}

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
  /// A count of things that take at least `least` bytes each.
  std::size_t count(std::size_t least, std::string_view what) {
    const auto n = number<std::uint64_t>(what);
    require<FileError>(n <= left() / least, "gguf", path_, ": ", n, " ", what, " do not fit into the ", left(),
                       " bytes that are left");
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
  std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
    require<FileError>(n <= left(), "gguf", path_, ": ", printable(what), " takes ", n,
                       " bytes, but the file ends after ", left());
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
  std::size_t at_ = 0;
};

}  // namespace nvembed
