#pragma once

#include <cmath>
#include <cstdint>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::nn {

/// Which matrices get a low-rank update, and of which size. Names and meaning are PEFT's (`LoraConfig`); defaults are
/// NV-Embed's (arXiv 2405.17428, table 11) for rank, alpha and dropout, and every linear of a decoder layer.
struct LoraOptions {
  Index rank = 16;       ///< r
  double alpha = 32;     ///< lora_alpha
  double dropout = 0.1;  ///< lora_dropout: of the update's input
  bool rslora = false;   ///< use_rslora: scale alpha / sqrt(r) instead of alpha / r (arXiv 2312.03732)
  /// A matrix is adapted where its dotted name is one of these or ends in `.` and one of these.
  std::vector<std::string> target_modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                             "gate_proj", "up_proj", "down_proj"};
  /// layers_to_transform: only in these decoder layers; empty: in all.
  std::vector<Index> layers{};
  std::uint64_t seed = 0;  ///< of the values that A begins with

  double scale() const {
    const double r = static_cast<double>(rank);
    return alpha / (rslora ? std::sqrt(r) : r);
  }
  /// Throws InputError naming what is out of range.
  void validate() const {
    require<InputError>(rank > 0, "lora", "rank ", rank, " is not above 0");
    require<InputError>(std::isfinite(alpha), "lora", "alpha is ", alpha);
    require<InputError>(dropout >= 0 && dropout < 1, "lora", "dropout ", dropout, " is not in [0, 1)");
    require<InputError>(!target_modules.empty(), "lora", "no target modules");
  }
  bool targets(std::string_view name) const {
    for (const std::string& t : target_modules)
      if (is(name, t)) return true;
    return false;
  }
  static bool is(std::string_view name, std::string_view target) {
    return name == target ||
           (name.size() > target.size() && name.ends_with(target) && name[name.size() - target.size() - 1] == '.');
  }
};

}  // namespace nvembed::nn
