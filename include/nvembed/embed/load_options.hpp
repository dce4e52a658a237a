#pragma once

#include <functional>
#include <nvembed/core/shape.hpp>
#include <string>
#include <string_view>

namespace nvembed {

/// How far a load has come. Phases follow each other: `head` (NV-Embed's, read and folded), then `weights`.
struct LoadProgress {
  std::string_view phase;
  Index bytes = 0, total_bytes = 0;  ///< of the files, all phases together
};

/// What a load may override. Empty: what the model's files say.
struct LoadOptions {
  Index threads = 0;           ///< 0: the cores this process may use
  std::string mask = {};       ///< as mask::parse reads it
  std::string pool = {};       ///< mean, weighted_mean, last_token, none
  std::string precision = {};  ///< f32, f16, bf16, int8, fp8, q4 or auto, as `choose_precision` reads it
  std::string base = {};       ///< where the base of an adapter or embedder folder lies; else `find_base` looks for it
  std::string cache = {};      ///< the cache folder; empty: `cache_folder()`
  Index memory_limit = 0;      ///< bytes that the model and its work may take; 0: what this process may still take
  std::function<void(const LoadProgress&)> progress = {};  ///< called after each matrix, on the calling thread
  std::function<void(const std::string&)> notice = {};  ///< told what a user should know (a bare language model, ...)
};

}  // namespace nvembed
