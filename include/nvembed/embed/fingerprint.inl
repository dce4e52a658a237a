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

NVEMBED_INLINE std::map<std::string, std::string> model_identity(const InputBuilder& inputs,
                                                                 const EncodeOptions& options,
                                                                 const std::string& digest, std::string_view mask,
                                                                 std::string_view pool, Precision precision,
                                                                 bool normalize, Index dim) {
  auto values = inputs.identity(options);
  values["model"] = digest;
  values["mask"] = mask;
  values["pool"] = pool;
  values["precision"] = name(precision);
  values["normalize"] = options.normalize.value_or(normalize) ? "yes" : "no";
  values["dim"] = std::to_string(options.dim ? options.dim : dim);
  return values;
}

}  // namespace nvembed
