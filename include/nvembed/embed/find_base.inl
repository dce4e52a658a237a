#pragma once

#include <algorithm>
#include <cstdlib>
#include <nvembed/embed/find_base.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <string>
#include <system_error>
#include <vector>

namespace nvembed {
namespace detail {

/// Why the model at `path` is not `base`; empty where it is.
inline std::string differs(const BaseModel& base, const std::filesystem::path& path) {
  const Weights weights(path.string());
  if (base.digest.empty()) return {};
  if (weights.file_bytes() != base.size)
    return cat(path.string(), " has ", weights.file_bytes(), " bytes of weights, the base had ", base.size);
  const std::string digest = weights.digest();
  if (digest != base.digest)
    return cat(path.string(), " has the digest ", digest.substr(0, 12), "..., the base had ",
               printable(base.digest, 12));
  return {};
}

}  // namespace detail

NVEMBED_INLINE std::filesystem::path cache_folder() {
  const char *cache = std::getenv("NVEMBED_CACHE"), *home = std::getenv("HOME");
  if (cache && *cache) return cache;
  return std::filesystem::path(home ? home : "") / ".cache" / "nvembed";
}

NVEMBED_INLINE std::filesystem::path find_base(const BaseModel& base, const std::filesystem::path& folder,
                                               const LoadOptions& options) {
  namespace fs = std::filesystem;
  const std::string called = printable(base.name.empty() ? base.path : base.name);
  if (base.path == ".") {
    require<InputError>(options.base.empty(), "load", folder.string(), " is a whole model, which has no base");
    const std::string why = detail::differs(base, folder);
    require<FileError>(why.empty(), "load", folder.string(), ": ", why, "; its weights are not those that ",
                       EmbedderFolder::file, " was written for");
    return folder;
  }
  if (!options.base.empty()) {
    const std::string why = detail::differs(base, options.base);
    require<FileError>(why.empty(), "load", folder.string(), " was made for the base ", called, ": ", why);
    return options.base;
  }
  const fs::path cache = options.cache.empty() ? cache_folder() : fs::path(options.cache);
  std::vector<fs::path> places;
  if (!base.path.empty()) places.push_back(folder / base.path);
  if (!base.name.empty()) places.push_back(cache / base.name);
  std::string others;
  const auto is_it = [&](const fs::path& place) {
    if (!file_exists(place.string())) return false;
    try {
      const std::string why = detail::differs(base, place);
      if (why.empty()) return true;
      others += "; " + why;
    } catch (const FileError& e) {
      others += cat("; ", e.what());
    }
    return false;
  };
  for (const fs::path& place : places)
    if (is_it(place)) return place.lexically_normal();
  if (!base.digest.empty()) {  // under another name
    std::error_code error;
    std::vector<fs::path> all;
    for (fs::directory_iterator at(cache, error), end; !error && at != end; at.increment(error))
      if (at->path().extension() == ".gguf" || file_exists((at->path() / "config.json").string()))
        all.push_back(at->path());
    std::sort(all.begin(), all.end());
    const std::string so_far = others;
    for (const fs::path& place : all)
      if (is_it(place)) return place;
    others = so_far;  // strangers are no news
  }
  std::string looked;
  for (const fs::path& place : places) looked += cat(looked.empty() ? "" : " and ", printable(place.string(), 300));
  fail<FileError>("load", folder.string(), ": its base ", called.empty() ? "(which it does not name)" : called,
                  " was looked for at ", looked.empty() ? "no place" : looked, " and by digest in ", cache.string(),
                  ", and is not there", others, "; name it (LoadOptions::base, --base PATH)");
}

}  // namespace nvembed
