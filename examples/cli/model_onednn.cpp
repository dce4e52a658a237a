#if defined(NVEMBED_WITH_ONEDNN)

// The back end comes before what may use its compiled instances.
#include <nvembed/onednn/backend.hpp>
//
#include <nvembed/embed/export_model.hpp>
#include <nvembed/embed/instances.hpp>

#include "loaded.hpp"

namespace cli {

std::unique_ptr<Model> load_onednn(const std::filesystem::path& path, const nvembed::LoadOptions& options) {
  return std::make_unique<Loaded<nvembed::onednn::Backend>>(nvembed::load<nvembed::onednn::Backend>(path, options));
}

nvembed::search::DotProducts products_onednn(nvembed::Index threads) {
  return own_products<nvembed::onednn::Backend>(threads);
}

nvembed::Exported export_onednn(const nvembed::ModelFiles& files, const std::filesystem::path& folder,
                                const nvembed::ExportOptions& options, nvembed::Index threads) {
  return nvembed::export_model(nvembed::onednn::Backend(threads > 0 ? threads : nvembed::cpu_count()), files, folder,
                               options);
}

void check_onednn(const nvembed::ModelFiles& files) { nvembed::check_weights<nvembed::onednn::Backend>(files); }

}  // namespace cli

#endif
