#pragma once

#include <algorithm>
#include <nvembed/core/error.hpp>
#include <nvembed/io/sha256.hpp>
#include <span>
#include <string>

namespace nvembed {

/// SHA-256 of files' headers and sizes and of 64 bytes out of the middle of each tensor: tells models apart, fine-tuned
/// copies of one model among them, without reading them whole.
class DigestOfSamples {
 public:
  void add_file(std::span<const std::byte> header, std::size_t size) {
    hash_.update(cat(header.size(), ' ', size, '\n'));
    hash_.update(header);
  }
  void add_tensor(std::span<const std::byte> bytes) {
    const std::size_t begin = bytes.size() / 2;
    hash_.update(bytes.subspan(begin, std::min<std::size_t>(64, bytes.size() - begin)));
  }
  std::string hex() { return hash_.hex(); }

 private:
  Sha256 hash_;
};

}  // namespace nvembed
