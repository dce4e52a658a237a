#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace nvembed {

/// FNV-1a of 64 bits (Fowler, Noll, Vo): the same on every machine. For checksums and keys that nobody attacks.
inline std::uint64_t fnv1a(std::span<const std::byte> bytes) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (const std::byte b : bytes) h = (h ^ static_cast<std::uint64_t>(b)) * 0x100000001B3u;
  return h;
}
/// Of a name or a text, in UTF-8.
inline std::uint64_t fnv1a(std::string_view text) { return fnv1a(std::as_bytes(std::span(text))); }

}  // namespace nvembed
