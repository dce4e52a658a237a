#pragma once

#include <nvembed/optim/basic_adam.hpp>

namespace nvembed::optim {

/// Weight decay as the gradient of an L2 penalty: g <- g + weight_decay w, before the moments see it.
template <class T>
class L2Decay {
 public:
  L2Decay(double, double weight_decay) : weight_decay_(static_cast<T>(weight_decay)) {}
  T gradient(T g, T w) const { return g + weight_decay_ * w; }
  T weight(T w) const { return w; }

 private:
  T weight_decay_;
};

/// Adam (Kingma & Ba, arXiv 1412.6980), as torch.optim.Adam; AdamOptions::weight_decay is an L2 penalty.
template <HostMemory B, class T = float>
using Adam = BasicAdam<B, T, L2Decay>;

}  // namespace nvembed::optim
