#pragma once

#include <filesystem>
#include <nvembed/core/config.hpp>
#include <nvembed/embed/embedder_folder.hpp>
#include <nvembed/embed/load_options.hpp>

namespace nvembed {

/// Where models are kept: $NVEMBED_CACHE, else ~/.cache/nvembed.
NVEMBED_INLINE std::filesystem::path cache_folder();

/// Where the base of the adapter or embedder in `folder` lies: LoadOptions::base, else the recorded path, else its
/// name, or anything of its digest, in the cache folder. A base that lies in the folder itself (`.`) is nowhere else.
/// Where `base` has a digest, size and digest must be the model's. Throws FileError telling where it was looked for, or
/// what differs.
NVEMBED_INLINE std::filesystem::path find_base(const BaseModel& base, const std::filesystem::path& folder,
                                               const LoadOptions& options);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/embed/find_base.inl>
#endif
