#pragma once

#include <nvembed/optim/schedule.hpp>

namespace nvembed::optim {

/// transformers' get_constant_schedule_with_warmup.
struct ConstantSchedule {
  Index warmup_steps = 0;

  /// Throws InputError where a number is below 0.
  double operator()(Index step) const { return warm_up(step, warmup_steps); }
};

}  // namespace nvembed::optim
