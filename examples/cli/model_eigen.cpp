#if defined(NVEMBED_WITH_EIGEN)

// The back end comes before what may use its compiled instances.
#include <nvembed/eigen/backend.hpp>
//
#include <nvembed/embed/export_model.hpp>
#include <nvembed/embed/instances.hpp>

#include "loaded.hpp"

namespace cli {

std::unique_ptr<Model> load_eigen(const std::filesystem::path& path, const nvembed::LoadOptions& options) {
  return std::make_unique<Loaded<nvembed::eigen::Backend>>(nvembed::load<nvembed::eigen::Backend>(path, options));
}

nvembed::search::DotProducts products_eigen(nvembed::Index threads) {
  return own_products<nvembed::eigen::Backend>(threads);
}

nvembed::Exported export_eigen(const nvembed::ModelFiles& files, const std::filesystem::path& folder,
                               const nvembed::ExportOptions& options, nvembed::Index threads) {
  return nvembed::export_model(nvembed::eigen::Backend(threads > 0 ? threads : nvembed::cpu_count()), files, folder,
                               options);
}

void check_eigen(const nvembed::ModelFiles& files) { nvembed::check_weights<nvembed::eigen::Backend>(files); }

}  // namespace cli

#endif
