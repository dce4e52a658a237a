#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nvembed/core/error.hpp>
#include <nvembed/optim/parameter_group.hpp>
#include <vector>

namespace nvembed::optim {

/// How moments are held: as wide as gradients, or rounded to bfloat16 after every update, half of the bytes. Rounding
/// is stochastic: a second moment moves by a thousandth of itself, which rounding to nearest would always take back.
enum class Moments : std::uint8_t { wide, bf16 };

/// Settings of Adam and AdamW; the names and defaults are the field's (Kingma & Ba, arXiv 1412.6980).
struct AdamOptions {
  double beta1 = 0.9;       ///< decay of the mean of gradients, in [0, 1)
  double beta2 = 0.999;     ///< decay of the mean of their squares, in [0, 1)
  double eps = 1e-8;        ///< added to the root of the latter, >= 0
  double weight_decay = 0;  ///< of parameters that decay (decays_by_default) and of groups that name none, >= 0
  Moments moments = Moments::wide;
  std::uint64_t seed = 0;              ///< of stochastic rounding
  std::vector<ParameterGroup> groups{};  ///< what is trained in a way of its own
};

/// Throws InputError naming what is out of range.
inline void check(const AdamOptions& o) {
  const auto fraction = [](double beta) { return beta >= 0 && beta < 1; };
  const auto number = [](double x) { return std::isfinite(x) && x >= 0; };
  require<InputError>(fraction(o.beta1) && fraction(o.beta2), "adam", "beta1 is ", o.beta1, ", beta2 ", o.beta2,
                      "; both must be in [0, 1)");
  require<InputError>(number(o.eps) && number(o.weight_decay), "adam", "eps is ", o.eps, ", weight_decay ",
                      o.weight_decay, "; both must be finite and not below 0");
  for (std::size_t i = 0; i < o.groups.size(); ++i) {
    const ParameterGroup& g = o.groups[i];
    require<InputError>(static_cast<bool>(g.matches), "adam", "group ", i, " has no predicate");
    require<InputError>(number(g.lr_scale) && number(g.weight_decay.value_or(0)), "adam", "lr_scale of group ", i,
                        " is ", g.lr_scale, ", weight_decay ", g.weight_decay.value_or(0),
                        "; both must be finite and not below 0");
  }
}

}  // namespace nvembed::optim
