#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/optim/schedule.hpp>

namespace nvembed::optim {

/// transformers' get_cosine_schedule_with_warmup (cosine: Loshchilov & Hutter, arXiv 1608.03983): up to 1 at
/// warmup_steps, then max(0, (1 + cos(2 pi num_cycles p)) / 2) for p from 0 to 1 at total_steps, and its last value
/// after it.
struct CosineSchedule {
  Index warmup_steps = 0;
  Index total_steps = 0;    ///< with those of warm-up
  double num_cycles = 0.5;  ///< half a wave: down to 0

  /// Throws InputError where a number of steps is below 0, or total_steps below 1.
  double operator()(Index step) const {
    constexpr double pi = 3.14159265358979323846;
    const double p = progress(step, warmup_steps, total_steps);
    return warm_up(step, warmup_steps) * std::max(0.0, 0.5 * (1 + std::cos(2 * pi * num_cycles * p)));
  }
};

}  // namespace nvembed::optim
