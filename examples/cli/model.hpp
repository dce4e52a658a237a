#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nvembed/embed/embeddings.hpp>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/export_options.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/embed/prepared_texts.hpp>
#include <nvembed/embed/text.hpp>
#include <nvembed/search/dot_products.hpp>
#include <span>
#include <string>
#include <vector>

#include "options.hpp"

namespace cli {

/// A TextEmbedder of whichever back end was chosen when the program ran.
class Model {
 public:
  virtual ~Model() = default;
  virtual nvembed::PreparedTexts prepare(std::span<const nvembed::Text>, const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::Embeddings encode(nvembed::PreparedTexts, const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::TokenStates encode_tokens(nvembed::PreparedTexts, const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::Embeddings latent_weights(nvembed::PreparedTexts, const nvembed::EncodeOptions&) const = 0;
  virtual std::map<std::string, std::string> identity(const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::Index batch_tokens(const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::Index dim() const = 0;
  virtual const nvembed::EmbedderSettings& settings() const = 0;
  virtual bool folds() const = 0;                                 ///< has a head that was folded
  virtual nvembed::search::DotProducts dot_products() const = 0;  ///< on the model's back end
};

/// Where the model lies: as given, else $NVEMBED_MODEL, else the demo's model in the cache folder ($NVEMBED_CACHE, else
/// ~/.cache/nvembed). Throws FileError where none of them is there.
std::filesystem::path find_model(const std::string& given);

/// Names of the back ends that are compiled in and usable on this machine, the best first.
std::vector<std::string> backends();
/// Loads the model that the options name, with a progress bar, on their back end; on the best where they name none.
std::unique_ptr<Model> load_model(const Options& o);

/// Products on the back end that load_model would take, for vectors that come from files.
nvembed::search::DotProducts dot_products(const Options& o);

/// Name of the model's own prompt for passages; empty where it has none.
std::string passage_prompt(const Model& model);

/// nvembed::export_model on the back end that the options name.
nvembed::Exported export_model(const Options& o, const nvembed::ModelFiles& files, const std::filesystem::path& folder,
                               const nvembed::ExportOptions& options);

/// Throws FileError where the weights are not those that the model's configuration asks for. Reads none.
void check_weights(const Options& o, const nvembed::ModelFiles& files);

}  // namespace cli
