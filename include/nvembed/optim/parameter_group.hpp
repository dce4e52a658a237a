#pragma once

#include <functional>
#include <nvembed/core/parameter.hpp>
#include <nvembed/nn/module.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace nvembed::optim {

/// Parameters that are trained in a way of their own. Of several groups the first that matches a name counts.
struct ParameterGroup {
  std::function<bool(std::string_view name)> matches;  ///< of dotted names: a NamePattern, or any predicate
  double lr_scale = 1;                                 ///< factor on the learning rate
  std::optional<double> weight_decay{};                ///< for all in the group; left out: as without a group
};

/// Whether weights decay where no group says otherwise. Norms and biases do not, as in Hugging Face's Trainer: a
/// parameter that is a single row (vectors are one-row matrices), or one of whose checkpoint keys ends in `bias` or has
/// "norm" in it. A true matrix of one row (the first factor of an adapter of rank 1) counts as a vector, too.
inline bool decays_by_default(const std::string& name, const Parts& declared) {
  if (declared.rows() == 1) return false;
  for (const Part& part : declared.parts) {
    const std::string key = join_key(name, part.key);
    if (key.ends_with("bias") || key.find("norm") != std::string::npos) return false;
  }
  return true;
}

}  // namespace nvembed::optim
