#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nvembed/core/config.hpp>
#include <span>
#include <string>
#include <string_view>

namespace nvembed {

/// SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
class Sha256 {
 public:
  /// More bytes.
  NVEMBED_INLINE void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text.data(), text.size()))); }
  /// The digest as 64 hexadecimal digits; the object is used up.
  NVEMBED_INLINE std::string hex();

 private:
  NVEMBED_INLINE void block(const std::byte* p);

  std::array<std::uint32_t, 8> state_{0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                      0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
  std::array<std::byte, 64> rest_{};
  std::uint64_t length_ = 0;
};

/// SHA-256 of a whole file, 64 hexadecimal digits.
NVEMBED_INLINE std::string sha256_of_file(const std::string& path);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/sha256.inl>
#endif
