#pragma once

#include <nvembed/optim/schedule.hpp>

namespace nvembed::optim {

/// transformers' get_linear_schedule_with_warmup: up to 1 at warmup_steps, down to 0 at total_steps, 0 after it.
struct LinearSchedule {
  Index warmup_steps = 0;
  Index total_steps = 0;  ///< with those of warm-up

  /// Throws InputError where a number is below 0, or total_steps below 1.
  double operator()(Index step) const {
    return warm_up(step, warmup_steps) * (1 - progress(step, warmup_steps, total_steps));
  }
};

}  // namespace nvembed::optim
