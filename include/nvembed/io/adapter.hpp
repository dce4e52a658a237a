#pragma once

#include <filesystem>
#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/io/safetensors.hpp>
#include <nvembed/nn/lora_options.hpp>
#include <string>
#include <vector>

namespace nvembed {

/// What a LoRA adapter adds to one matrix: W + scale B A.
struct AdapterUpdate {
  RawWeight a, b;  ///< (rank, in), (out, rank)
  double scale = 1;

  Index rank() const { return a.rows; }
};

/// A LoRA adapter as PEFT keeps it: a folder with adapter_config.json and adapter_model.safetensors. Opened and
/// checked, not read. The tensors that are there decide what is adapted, the configuration how much. All that would
/// change vectors without being seen is refused: other kinds of adapters, DoRA, biases, whole modules and embeddings
/// beside the matrices, weights of the base that an initialisation has changed. All errors are FileError and name file
/// and key.
class Adapter {
 public:
  NVEMBED_INLINE explicit Adapter(const std::filesystem::path& folder);
  /// Whether a folder holds one.
  static NVEMBED_INLINE bool is_in(const std::filesystem::path& folder);

  static constexpr const char* config_file = "adapter_config.json";
  static constexpr const char* weights_file = "adapter_model.safetensors";

  /// By the dotted name of a matrix: `layers.0.self_attn.q_proj`.
  const std::map<std::string, AdapterUpdate, std::less<>>& updates() const { return updates_; }
  /// The update of a matrix, or nullptr.
  const AdapterUpdate* find(std::string_view matrix) const {
    const auto at = updates_.find(matrix);
    return at == updates_.end() ? nullptr : &at->second;
  }
  /// As the configuration has them; `target_modules` are the last words of the names above.
  const nn::LoraOptions& options() const { return options_; }
  /// base_model_name_or_path: whatever its maker called the base.
  const std::string& base() const { return base_; }
  const std::filesystem::path& folder() const { return folder_; }
  NVEMBED_INLINE Index parameters() const;
  /// SHA-256 of configuration and of the tensors' header and samples (Safetensors::digest).
  NVEMBED_INLINE std::string digest() const;

  /// Throws FileError unless the matrices of a model, each (out, in) by its name, take every update: what fits nothing
  /// was made for another base.
  NVEMBED_INLINE void check(const std::map<std::string, std::pair<Index, Index>>& matrices) const;

 private:
  std::filesystem::path folder_;
  Safetensors file_;
  nn::LoraOptions options_;
  std::string base_, config_;
  std::map<std::string, AdapterUpdate, std::less<>> updates_;
};

/// All numbers of one half of an update, row-major; throws FileError where one is not finite.
NVEMBED_INLINE std::vector<float> adapter_values(const RawWeight& half);

}  // namespace nvembed

#if !defined(NVEMBED_COMPILED)
#include <nvembed/io/adapter.inl>
#endif
