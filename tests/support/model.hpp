#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace model {

/// The demo's model in the cache folder. The test set-up fetches it.
inline std::string smollm2() {
  namespace fs = std::filesystem;
  const char* cache = std::getenv("NVEMBED_CACHE");
  const char* home = std::getenv("HOME");
  const fs::path folder = cache && *cache ? fs::path(cache) : fs::path(home ? home : "") / ".cache" / "nvembed";
  const fs::path file = folder / "SmolLM2-135M-Instruct.Q4_1.gguf";
  REQUIRE_MESSAGE(fs::exists(file), file.string() << " is missing: cmake/fetch_model.sh gets it");
  return file.string();
}

}  // namespace model
