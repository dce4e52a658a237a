#if defined(NVEMBED_WITH_EIGEN)

// The back end comes before what may use its compiled instances.
#include <nvembed/eigen/backend.hpp>
//
#include <nvembed/embed/instances.hpp>

#include "loaded.hpp"

namespace cli {

std::unique_ptr<Model> load_eigen(const std::filesystem::path& path, const nvembed::LoadOptions& options) {
  return std::make_unique<Loaded<nvembed::eigen::Backend>>(nvembed::load<nvembed::eigen::Backend>(path, options));
}

nvembed::search::DotProducts products_eigen(nvembed::Index threads) {
  return own_products<nvembed::eigen::Backend>(threads);
}

void check_eigen(const nvembed::ModelFiles& files) { nvembed::check_weights<nvembed::eigen::Backend>(files); }

}  // namespace cli

#endif
