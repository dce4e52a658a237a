#include "model.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <nvembed/core/error.hpp>
#include <nvembed/embed/find_base.hpp>
#include <nvembed/embed/load_options.hpp>

#include "progress_bar.hpp"
#include "timer.hpp"

namespace cli {
namespace {

using Check = void (*)(const nvembed::ModelFiles&);
using Export = nvembed::Exported (*)(const nvembed::ModelFiles&, const std::filesystem::path&,
                                     const nvembed::ExportOptions&, nvembed::Index threads);
using Load = std::unique_ptr<Model> (*)(const std::filesystem::path&, const nvembed::LoadOptions&);

struct BackendEntry {
  const char* name;
  Load load;
  Check check;
  Export write;
  nvembed::search::DotProducts (*products)(nvembed::Index threads);
  bool (*usable)();  // on this machine
};

bool always() { return true; }

}  // namespace

#if defined(NVEMBED_WITH_CUDA)
std::unique_ptr<Model> load_cuda(const std::filesystem::path&, const nvembed::LoadOptions&);
void check_cuda(const nvembed::ModelFiles&);
nvembed::Exported export_cuda(const nvembed::ModelFiles&, const std::filesystem::path&, const nvembed::ExportOptions&,
                              nvembed::Index threads);
nvembed::search::DotProducts products_cuda(nvembed::Index threads);
bool usable_cuda();
#endif
#if defined(NVEMBED_WITH_ONEDNN)
std::unique_ptr<Model> load_onednn(const std::filesystem::path&, const nvembed::LoadOptions&);
void check_onednn(const nvembed::ModelFiles&);
nvembed::Exported export_onednn(const nvembed::ModelFiles&, const std::filesystem::path&, const nvembed::ExportOptions&,
                                nvembed::Index threads);
nvembed::search::DotProducts products_onednn(nvembed::Index threads);
#endif
#if defined(NVEMBED_WITH_EIGEN)
std::unique_ptr<Model> load_eigen(const std::filesystem::path&, const nvembed::LoadOptions&);
void check_eigen(const nvembed::ModelFiles&);
nvembed::Exported export_eigen(const nvembed::ModelFiles&, const std::filesystem::path&, const nvembed::ExportOptions&,
                               nvembed::Index threads);
nvembed::search::DotProducts products_eigen(nvembed::Index threads);
#endif

namespace {

constexpr BackendEntry entries[] = {
#if defined(NVEMBED_WITH_CUDA)
    {"cuda", load_cuda, check_cuda, export_cuda, products_cuda, usable_cuda},
#endif
#if defined(NVEMBED_WITH_ONEDNN)
    {"onednn", load_onednn, check_onednn, export_onednn, products_onednn, always},
#endif
#if defined(NVEMBED_WITH_EIGEN)
    {"eigen", load_eigen, check_eigen, export_eigen, products_eigen, always},
#endif
};

std::string names() {
  std::string all;
  for (const BackendEntry& e : entries) all += (all.empty() ? "" : ", ") + std::string(e.name);
  return all;
}

const BackendEntry& chosen(const Options& o) {
  const auto entry = std::find_if(std::begin(entries), std::end(entries), [&](const BackendEntry& e) {
    return o.backend.empty() ? e.usable() : o.backend == e.name;
  });
  nvembed::require(entry != std::end(entries), "model", "back end ", o.backend,
                   " is not compiled in; this program has ", names(),
                   o.backend == "cuda" ? "; CMake's -DNVEMBED_WITH_CUDA=ON adds it" : "");
  return *entry;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

std::filesystem::path find_model(const std::string& given) {
  if (!given.empty()) return given;
  if (const std::string named = variable("NVEMBED_MODEL"); !named.empty()) return named;
  const auto path = nvembed::cache_folder() / "SmolLM2-135M-Instruct.Q4_1.gguf";
  std::error_code ignored;
  nvembed::require<nvembed::FileError>(std::filesystem::exists(path, ignored), "model",
                                       "no MODEL was given, NVEMBED_MODEL is not set and there is no ", path.string(),
                                       "; name a model folder or a .gguf file");
  return path;
}

std::vector<std::string> backends() {
  std::vector<std::string> names;
  for (const BackendEntry& e : entries)
    if (e.usable()) names.emplace_back(e.name);
  return names;
}

std::unique_ptr<Model> load_model(const Options& o) {
  const BackendEntry& entry = chosen(o);
  nvembed::LoadOptions options = load_options(o);
  ProgressBar bar("load", 0, o.quiet);
  const Timer whole;
  double head = 0;
  options.progress = [&](const nvembed::LoadProgress& p) {
    if (p.phase == "weights" && head == 0) head = whole.seconds();
    bar.update_share(static_cast<double>(p.bytes) / static_cast<double>(p.total_bytes));
  };
  auto model = entry.load(find_model(o.model), options);
  bar.clear();
  const double all = whole.seconds();
  const std::string parts = model->folds() ? nvembed::cat(" (head read and folded in ", duration(head),
                                                          ", decoder packed in ", duration(all - head), ")")
                                           : "";
  note(o, nvembed::cat("model loaded in ", duration(all), parts));
  return model;
}

nvembed::search::DotProducts dot_products(const Options& o) { return chosen(o).products(o.threads); }

std::string passage_prompt(const Model& model) {
  for (const char* name : {"passage", "document"})
    if (model.settings().prompts.contains(name)) return name;
  return {};
}

nvembed::Exported export_model(const Options& o, const nvembed::ModelFiles& files, const std::filesystem::path& folder,
                               const nvembed::ExportOptions& options) {
  return chosen(o).write(files, folder, options, o.threads);
}

void check_weights(const Options& o, const nvembed::ModelFiles& files) { chosen(o).check(files); }

}  // namespace cli
