#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace nvembed {

/// Kinds of a GGUF metadata value, numbered as in the file.
enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// Bytes of one value; 0 for strings and arrays.
inline std::size_t gguf_value_bytes(GgufType type) {
  constexpr std::size_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return bytes[static_cast<std::size_t>(type)];
}

/// An array as it lies in the mapping: checked when the file was opened, decoded when asked for.
struct GgufArray {
  GgufType type{};  ///< of the elements
  std::size_t count = 0;
  std::span<const std::byte> bytes;

  /// The elements of an array of strings, as views into the mapping. Empty for other arrays.
  std::vector<std::string_view> strings() const {
    std::vector<std::string_view> out;
    if (type != GgufType::string) return out;
    out.reserve(count);
    const std::byte* p = bytes.data();
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t length;
      std::memcpy(&length, p, sizeof length);
      out.emplace_back(reinterpret_cast<const char*>(p + sizeof length), static_cast<std::size_t>(length));
      p += sizeof length + length;
    }
    return out;
  }
  /// The elements of an array of numbers or booleans (integers beyond 2^53 are rounded). Empty for other arrays.
  std::vector<double> numbers() const {
    switch (type) {
      case GgufType::u8:
      case GgufType::boolean:
        return widened<std::uint8_t>();
      case GgufType::i8:
        return widened<std::int8_t>();
      case GgufType::u16:
        return widened<std::uint16_t>();
      case GgufType::i16:
        return widened<std::int16_t>();
      case GgufType::u32:
        return widened<std::uint32_t>();
      case GgufType::i32:
        return widened<std::int32_t>();
      case GgufType::f32:
        return widened<float>();
      case GgufType::u64:
        return widened<std::uint64_t>();
      case GgufType::i64:
        return widened<std::int64_t>();
      case GgufType::f64:
        return widened<double>();
      case GgufType::string:
      case GgufType::array:
        break;
    }
    return {};
  }

 private:
  template <class V>
  std::vector<double> widened() const {
    std::vector<double> out(count);
    for (std::size_t i = 0; i < count; ++i) {
      V v;
      std::memcpy(&v, bytes.data() + i * sizeof v, sizeof v);
      out[i] = static_cast<double>(v);
    }
    return out;
  }
};

/// One metadata value: any signed integer, any unsigned one, either float, a boolean, a string or an array.
using GgufValue = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view, GgufArray>;

}  // namespace nvembed
