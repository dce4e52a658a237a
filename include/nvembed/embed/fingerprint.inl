#pragma once

#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/io/sha256.hpp>

namespace nvembed {

NVEMBED_INLINE std::string fingerprint(const std::map<std::string, std::string>& values) {
  std::string all;
  for (const auto& [name, value] : values) {  // lengths, so that no two lists read alike
    all += std::to_string(name.size()) + ":" + name + std::to_string(value.size()) + ":" + value;
  }
  Sha256 hash;
  hash.update(all);
  return hash.hex();
}

}  // namespace nvembed
