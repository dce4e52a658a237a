#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <nvembed/autograd/gradients.hpp>
#include <nvembed/core/host_memory.hpp>
#include <vector>

namespace nvembed::optim {

/// Length of all gradients as one vector, and what they are to be multiplied by so that it is no longer than allowed.
struct GradientNorm {
  double norm = 0;   ///< before clipping
  double scale = 1;  ///< for Optimizer::step; NaN, which a step refuses, where the norm is not finite
  bool finite() const { return std::isfinite(norm); }
};

/// Clipping by the global norm (Pascanu et al., arXiv 1211.5063) as torch.nn.utils.clip_grad_norm_ does it: the scale
/// is max_norm / (norm + 1e-6) where that is below 1. Nothing is written: two names may share one buffer, so the scale
/// is for the optimizer to apply. Squares are summed in double, in one order whatever the number of threads. An
/// infinite `max_norm` only measures. Throws InputError unless max_norm > 0.
template <HostMemory B, class T>
GradientNorm clip_gradient_norm(typename B::Lane& lane, const Gradients<B, T>& gradients,
                                double max_norm = std::numeric_limits<double>::infinity()) {
  require<InputError>(max_norm > 0, "clip_gradient_norm", "max_norm is ", max_norm);
  constexpr Index chunk = 16384;  // elements of a task
  double squares = 0;
  std::vector<double> sums;
  for (const auto& [name, gradient] : gradients) {
    const T* g = gradient.data();
    const Index n = gradient.size();
    sums.assign(static_cast<std::size_t>((n + chunk - 1) / chunk), 0);
    lane.parallel_for(static_cast<Index>(sums.size()), [&](Index i, Worker&) {
      double sum = 0;
      for (Index j = i * chunk; j < std::min(n, (i + 1) * chunk); ++j)
        sum += static_cast<double>(g[j]) * static_cast<double>(g[j]);
      sums[static_cast<std::size_t>(i)] = sum;
    });
    for (const double sum : sums) squares += sum;
  }
  GradientNorm result{std::sqrt(squares), std::numeric_limits<double>::quiet_NaN()};
  if (result.finite()) result.scale = std::min(1.0, max_norm / (result.norm + 1e-6));
  return result;
}

}  // namespace nvembed::optim
