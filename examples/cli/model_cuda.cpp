#if defined(NVEMBED_WITH_CUDA)

// The back end comes before what may use its compiled instances.
#include <nvembed/cuda/backend.hpp>
//
#include <nvembed/embed/export_model.hpp>
#include <nvembed/embed/instances.hpp>

#include "loaded.hpp"

namespace cli {

std::unique_ptr<Model> load_cuda(const std::filesystem::path& path, const nvembed::LoadOptions& options) {
  return std::make_unique<Loaded<nvembed::cuda::Backend>>(nvembed::load<nvembed::cuda::Backend>(path, options));
}

nvembed::search::DotProducts products_cuda(nvembed::Index threads) {
  return own_products<nvembed::cuda::Backend>(threads);
}

nvembed::Exported export_cuda(const nvembed::ModelFiles& files, const std::filesystem::path& folder,
                              const nvembed::ExportOptions& options, nvembed::Index threads) {
  return nvembed::export_model(nvembed::cuda::Backend(threads > 0 ? threads : nvembed::cpu_count()), files, folder,
                               options);
}

void check_cuda(const nvembed::ModelFiles& files) { nvembed::check_weights<nvembed::cuda::Backend>(files); }

bool usable_cuda() {
  try {
    nvembed::cuda::Backend(1);
    return true;
  } catch (const nvembed::DeviceError&) {
    return false;
  }
}

}  // namespace cli

#endif
