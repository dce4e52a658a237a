#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nvembed/core/dequantize.hpp>
#include <nvembed/io/adapter.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/module_pattern.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/io/sha256.hpp>
#include <set>
#include <string_view>
#include <utility>

namespace nvembed {
namespace detail {

/// Reads one adapter_config.json; every error names file and key.
class AdapterConfigJson {
 public:
  AdapterConfigJson(const std::string& content, const std::string& file)
      : root_(parse_json(content, file)), file_(file) {
    if (!root_.is_object()) refuse("no JSON object");
    const auto type = json_get<std::string>(root_, "peft_type", file_);
    if (type != "LORA") refuse("peft_type '", printable(type), "' is not supported; LORA is");
    const auto bias = json_get_or<std::string>(root_, "bias", "none", file_);
    if (bias != "none") refuse("bias '", printable(bias), "' trains biases of the base, which is not supported");
    // Whatever `use_...` is new changes the formula, else it would not need a word.
    for (const auto& [key, value] : root_.items()) {
      const bool word = key.starts_with("use_") || key == "lora_bias";
      if (word && key != "use_rslora" && value.is_boolean() && value.get<bool>())
        refuse(printable(key), " is not supported");
      if (key.ends_with("_config") && !value.empty() && !harmless(key)) refuse(printable(key), " is not supported");
    }
    for (const char* key : {"modules_to_save", "layer_replication", "trainable_token_indices", "target_parameters",
                            "alora_invocation_tokens"})
      if (const Json* value = json_find(root_, key); value && !value->empty())
        refuse(key, " is not supported: it changes more than linear layers");
    init();
    options.rank = json_get<Index>(root_, "r", file_);
    options.alpha = json_get<double>(root_, "lora_alpha", file_);
    options.dropout = json_get_or<double>(root_, "lora_dropout", 0, file_);
    options.rslora = json_get_or<bool>(root_, "use_rslora", false, file_);
    if (options.rank < 1) refuse("r is ", options.rank);
    if (!(options.dropout >= 0 && options.dropout < 1)) refuse("lora_dropout ", options.dropout, " is not in [0, 1)");
    base = json_get_or<std::string>(root_, "base_model_name_or_path", "", file_);
  }

  Index rank_of(std::string_view module) const {
    const Json* own = by_pattern("rank_pattern", module);
    const Index rank = own ? json_as<Index>(*own, "rank_pattern", file_) : options.rank;
    if (rank < 1) refuse("rank_pattern: rank ", rank, " of ", printable(module));
    return rank;
  }
  double scale_of(std::string_view module) const {
    const Json* own = by_pattern("alpha_pattern", module);
    nn::LoraOptions o = options;
    o.rank = rank_of(module);
    if (own) o.alpha = json_as<double>(*own, "alpha_pattern", file_);
    if (!std::isfinite(o.scale())) refuse("lora_alpha is ", o.alpha);
    return o.scale();
  }
  bool fan_in_fan_out() const { return json_get_or<bool>(root_, "fan_in_fan_out", false, file_); }

  nn::LoraOptions options;
  std::string base;

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail<FileError>("adapter", file_, ": ", parts...);
  }
  /// PEFT's get_pattern_key: the first pattern, in the file's order, that is the name or the end of it behind a dot.
  /// PEFT writes its patterns sorted, which is how they are held here.
  const Json* by_pattern(const char* table, std::string_view module) const {
    const Json* patterns = json_find(root_, table);
    if (!patterns) return nullptr;
    if (!patterns->is_object()) json_mismatch(*patterns, table, file_, "an object");
    for (const auto& [pattern, value] : patterns->items())
      if (ends_in_pattern(pattern, module, cat(file_, ": ", table))) return &value;
    return nullptr;
  }
  /// Tables of a way to begin or to train, which leave the formula as it is.
  static bool harmless(std::string_view table) {
    constexpr std::string_view names[] = {"runtime_config", "megatron_config", "loftq_config",
                                          "eva_config",     "corda_config",    "velora_config"};
    return std::find(std::begin(names), std::end(names), table) != std::end(names);
  }
  /// Some initialisations take from the base what they put into the adapter.
  void init() const {
    const Json* value = json_find(root_, "init_lora_weights");
    if (!value || value->is_boolean()) return;
    const auto name = json_as<std::string>(*value, "init_lora_weights", file_);
    if (name == "gaussian" || name == "eva" || name == "orthogonal") return;
    refuse("init_lora_weights '", printable(name),
           "' changes the base's weights too; save it with PEFT's path_initial_model_for_weight_conversion");
  }

  Json root_;
  std::string file_;
};

/// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight` in pieces; `half` is A or B.
struct AdapterKey {
  std::string module;  // as PEFT calls it: what config patterns are held against
  std::string matrix;  // as we do
  char half = 0;
};
inline AdapterKey adapter_key(std::string_view name, const std::string& file) {
  constexpr std::string_view before = "base_model.model.", a = ".lora_A.weight", b = ".lora_B.weight";
  const bool is_a = name.ends_with(a);
  require<FileError>(name.starts_with(before) && (is_a || name.ends_with(b)), "adapter", file, ": ", printable(name),
                     " is no matrix of a LoRA adapter (base_model.model. ... .lora_A.weight or .lora_B.weight), so "
                     "there is no place for it");
  AdapterKey key;
  key.module = name.substr(before.size(), name.size() - before.size() - a.size());
  key.half = is_a ? 'A' : 'B';
  key.matrix = key.module;
  for (const std::string_view model : {"model.", "embedding_model."})
    if (key.module.starts_with(cat(model, "layers."))) key.matrix = key.module.substr(model.size());
  return key;
}

}  // namespace detail

NVEMBED_INLINE bool Adapter::is_in(const std::filesystem::path& folder) {
  return file_exists((folder / config_file).string());
}

NVEMBED_INLINE Adapter::Adapter(const std::filesystem::path& folder)
    : folder_(folder), file_((folder / weights_file).string()) {
  const std::string config_path = (folder / config_file).string();
  config_ = read_file(config_path);
  const detail::AdapterConfigJson config(config_, config_path);
  options_ = config.options;
  base_ = config.base;
  std::map<std::string, std::string> modules;  // by matrix
  for (const auto& [name, entry] : file_.entries()) {
    const detail::AdapterKey key = detail::adapter_key(name, file_.path());
    require<FileError>(entry.shape.size() == 2, "adapter", file_.path(), ": ", printable(name), " is no matrix");
    const auto [at, first] = modules.emplace(key.matrix, key.module);
    require<FileError>(first || at->second == key.module, "adapter", file_.path(), ": ", printable(key.matrix),
                       " is there twice, as ", printable(at->second), " and ", printable(key.module));
    AdapterUpdate& update = updates_[key.matrix];
    (key.half == 'A' ? update.a : update.b) = file_.weight(name);
  }
  require<FileError>(!updates_.empty(), "adapter", file_.path(), ": holds no tensor");
  std::set<std::string> words;
  for (auto& [matrix, u] : updates_) {
    const std::string& module = modules.at(matrix);
    const char* missing = !u.a.owner ? "A" : !u.b.owner ? "B" : nullptr;
    if (missing) fail<FileError>("adapter", file_.path(), ": ", printable(module), " has no lora_", missing, ".weight");
    const Index rank = config.rank_of(module);
    require<FileError>(u.a.rows == rank && u.b.cols == rank, "adapter", u.a.name, " is (", u.a.rows, ", ", u.a.cols,
                       ") and lora_B (", u.b.rows, ", ", u.b.cols, "), but ", config_path, " asks for rank ", rank,
                       config.fan_in_fan_out() ? "; fan_in_fan_out, transposed matrices, is not supported" : "");
    u.scale = config.scale_of(module);
    words.insert(matrix.substr(matrix.rfind('.') + 1));
  }
  options_.target_modules.assign(words.begin(), words.end());
}

NVEMBED_INLINE Index Adapter::parameters() const {
  Index n = 0;
  for (const auto& [name, u] : updates_) n += u.a.rows * u.a.cols + u.b.rows * u.b.cols;
  return n;
}

NVEMBED_INLINE std::string Adapter::digest() const {
  Sha256 hash;
  hash.update(cat(file_.digest(), ' ', config_.size(), '\n'));
  hash.update(config_);
  return hash.hex();
}

NVEMBED_INLINE void Adapter::check(const std::map<std::string, std::pair<Index, Index>>& matrices) const {
  for (const auto& [name, u] : updates_) {
    const auto at = matrices.find(name);
    require<FileError>(at != matrices.end(), "adapter", file_.path(), ": adapts ", printable(name),
                       ", which the model does not have; it is an adapter for another base");
    const auto& [out, in] = at->second;
    require<FileError>(u.b.rows == out && u.a.cols == in, "adapter", file_.path(), ": ", printable(name),
                       ".lora_A.weight is (", u.a.rows, ", ", u.a.cols, ") and lora_B.weight (", u.b.rows, ", ",
                       u.b.cols, "), but the model's matrix is (", out, ", ", in,
                       "); it is an adapter for another base");
  }
}

NVEMBED_INLINE std::vector<float> adapter_values(const RawWeight& half) {
  std::vector<float> values(static_cast<std::size_t>(half.rows * half.cols));
  for (Index r = 0; r < half.rows; ++r) dequantize_row(half, r, values.data() + r * half.cols);
  for (const float v : values)
    require<FileError>(std::isfinite(v), "adapter", half.name, " holds a number that is not finite");
  return values;
}

}  // namespace nvembed
