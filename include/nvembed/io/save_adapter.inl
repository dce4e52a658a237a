#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/safetensors_writer.hpp>
#include <nvembed/io/save_adapter.hpp>
#include <set>
#include <span>

namespace nvembed {
namespace detail {

/// Takes off what a stack filled a smaller rank up with: the last rows of A and columns of B, where they are all zero.
inline void trim_rank(HostUpdate& u) {
  Index rank = u.rank;
  const auto zero = [&](Index k) {
    for (Index c = 0; c < u.in; ++c)
      if (u.a[static_cast<std::size_t>(k * u.in + c)] != 0) return false;
    for (Index r = 0; r < u.out; ++r)
      if (u.b[static_cast<std::size_t>(r * u.rank + k)] != 0) return false;
    return true;
  };
  while (rank > 1 && zero(rank - 1)) --rank;
  if (rank == u.rank) return;
  u.a.resize(static_cast<std::size_t>(rank * u.in));
  for (Index r = 0; r < u.out; ++r)
    for (Index k = 0; k < rank; ++k)
      u.b[static_cast<std::size_t>(r * rank + k)] = u.b[static_cast<std::size_t>(r * u.rank + k)];
  u.b.resize(static_cast<std::size_t>(u.out * rank));
  u.rank = rank;
}

/// A whole number without a point, as PEFT writes it.
inline Json plain_number(double x) {
  if (x == std::nearbyint(x) && std::abs(x) < 1e15) return static_cast<std::int64_t>(x);
  return x;
}

/// Last words of the names (`q_proj`) where those in all layers are adapted, else the whole names: PEFT's
/// layers_to_transform finds no layer in a model whose keys begin with `layers.`.
inline Json target_modules(const std::vector<HostUpdate>& updates, const std::vector<std::string>& matrices) {
  std::set<std::string> names, words;
  for (const HostUpdate& u : updates) {
    names.insert(u.matrix);
    words.insert(u.matrix.substr(u.matrix.rfind('.') + 1));
  }
  for (const std::string& m : matrices)
    if (words.contains(m.substr(m.rfind('.') + 1)) && !names.contains(m)) return names;
  return words;
}

}  // namespace detail

NVEMBED_INLINE void write_adapter(const std::filesystem::path& folder, std::vector<HostUpdate> updates,
                                  const nn::LoraOptions& options, const std::vector<std::string>& matrices,
                                  const std::string& base) {
  require<InputError>(!updates.empty(), "adapter", "nothing is attached that could be saved");
  options.validate();
  Json ranks = Json::object(), alphas = Json::object();
  for (HostUpdate& u : updates) {
    for (const auto* values : {&u.a, &u.b})
      for (const float v : *values)
        require<InputError>(std::isfinite(v), "adapter", "the update of ", u.matrix,
                            " holds a number that is not finite; it is not saved");
    detail::trim_rank(u);
    nn::LoraOptions own = options;
    own.rank = u.rank;
    if (u.rank != options.rank) ranks[u.matrix] = u.rank;
    if (std::abs(own.scale() - u.scale) > 1e-12 * std::abs(u.scale)) {
      own.alpha = 1;
      alphas[u.matrix] = detail::plain_number(u.scale / own.scale());
    }
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require<FileError>(!error, "adapter", folder.string(), ": ", error.message());
  SafetensorsWriter out((folder / Adapter::weights_file).string(), {{"format", "pt"}});
  const auto key = [](const HostUpdate& u, const char* half) { return cat("base_model.model.", u.matrix, half); };
  constexpr const char *a = ".lora_A.weight", *b = ".lora_B.weight";
  for (const HostUpdate& u : updates) {
    out.declare(key(u, a), DType::f32, {u.rank, u.in});
    out.declare(key(u, b), DType::f32, {u.out, u.rank});
  }
  for (const HostUpdate& u : updates) {
    out.write(key(u, a), std::as_bytes(std::span(u.a)));
    out.write(key(u, b), std::as_bytes(std::span(u.b)));
  }
  const Json config{{"peft_type", "LORA"},
                    {"task_type", "FEATURE_EXTRACTION"},
                    {"base_model_name_or_path", base},
                    {"r", options.rank},
                    {"lora_alpha", detail::plain_number(options.alpha)},
                    {"lora_dropout", options.dropout},
                    {"use_rslora", options.rslora},
                    {"use_dora", false},
                    {"target_modules", detail::target_modules(updates, matrices)},
                    {"rank_pattern", ranks},
                    {"alpha_pattern", alphas},
                    {"layers_to_transform", nullptr},
                    {"layers_pattern", nullptr},
                    {"modules_to_save", nullptr},
                    {"bias", "none"},
                    {"fan_in_fan_out", false},
                    {"init_lora_weights", true},
                    {"inference_mode", true}};
  const std::string text = config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  AtomicFile config_out((folder / Adapter::config_file).string(), "adapter");
  config_out.write(text);
  out.finish();
  config_out.commit();
}

}  // namespace nvembed
