#pragma once

#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/io/sha256.hpp>

namespace nvembed {

NVEMBED_INLINE std::string fingerprint(std::initializer_list<std::pair<std::string_view, std::string>> values) {
  std::string all;
  for (const auto& [name, value] : values) {  // lengths, so that no two lists read alike
    all += std::to_string(name.size()) + ":" + std::string(name) + std::to_string(value.size()) + ":" + value;
  }
  Sha256 hash;
  hash.update(all);
  return hash.hex();
}

}  // namespace nvembed
