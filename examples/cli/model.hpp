#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <nvembed/embed/embeddings.hpp>
#include <nvembed/embed/encode_options.hpp>
#include <nvembed/embed/input_builder.hpp>
#include <nvembed/embed/load_options.hpp>
#include <nvembed/embed/text.hpp>
#include <span>
#include <string>
#include <vector>

namespace cli {

/// A TextEmbedder of whichever back end was chosen when the program ran.
class Model {
 public:
  virtual ~Model() = default;
  virtual nvembed::Embeddings encode(std::span<const nvembed::Text>, const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::TokenStates encode_tokens(std::span<const nvembed::Text>, const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::BuiltInput tokenize(const nvembed::Text&, const nvembed::EncodeOptions&) const = 0;
  virtual std::string fingerprint(const nvembed::EncodeOptions&) const = 0;
  virtual std::map<std::string, std::string> identity(const nvembed::EncodeOptions&) const = 0;
  virtual nvembed::Index dim() const = 0;
  virtual const nvembed::EmbedderSettings& settings() const = 0;
};

/// Where the model lies: as given, else $NVEMBED_MODEL, else the demo's model in the cache folder ($NVEMBED_CACHE, else
/// ~/.cache/nvembed). Throws FileError where none of them is there.
std::filesystem::path find_model(const std::string& given);

/// Names of the back ends compiled in, the best first.
std::vector<std::string> backends();
/// Loads on the back end of that name; the best where it is empty.
std::unique_ptr<Model> load_model(const std::filesystem::path& path, const std::string& backend,
                                  const nvembed::LoadOptions& options);

}  // namespace cli
