#pragma once

#include <nvembed/optim/basic_adam.hpp>

namespace nvembed::optim {

/// Weight decay beside the gradient: w <- w - lr weight_decay w, which the moments never see.
template <class T>
class DecoupledDecay {
 public:
  DecoupledDecay(double lr, double weight_decay) : keep_(static_cast<T>(1 - lr * weight_decay)) {}
  T gradient(T g, T) const { return g; }
  T weight(T w) const { return w * keep_; }

 private:
  T keep_;
};

/// Adam with decoupled weight decay (Loshchilov & Hutter, arXiv 1711.05101), as torch.optim.AdamW, whose
/// weight_decay of 0.01 is not the default here: AdamOptions says 0.
template <HostMemory B, class T = float>
using AdamW = BasicAdam<B, T, DecoupledDecay>;

}  // namespace nvembed::optim
