#pragma once

#include <concepts>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed {

/// The learning rate over time, as a factor: s(step) of the peak, where `step` counts the updates that were done
/// before, from 0 on. A pure function, so going on after a stop needs no state.
template <class S>
concept Schedule = requires(const S& s, Index step) {
  { s(step) } -> std::same_as<double>;
};

namespace optim {

/// The rise that schedules begin with: step / warmup_steps before warmup_steps, 1 from there on. The first update of a
/// warm-up has a rate of 0, as in transformers. Throws InputError where a number is below 0.
inline double warm_up(Index step, Index warmup_steps) {
  require<InputError>(step >= 0 && warmup_steps >= 0, "schedule", "step ", step, " with ", warmup_steps,
                      " steps of warm-up");
  return step < warmup_steps ? static_cast<double>(step) / static_cast<double>(warmup_steps) : 1;
}

/// The part of the steps after warm-up that is done, in [0, 1]; 1 from total_steps on. Throws InputError where
/// total_steps is below 1.
inline double progress(Index step, Index warmup_steps, Index total_steps) {
  require<InputError>(total_steps >= 1, "schedule", "total_steps is ", total_steps);
  if (step < warmup_steps) return 0;
  if (step >= total_steps) return 1;
  return static_cast<double>(step - warmup_steps) / static_cast<double>(total_steps - warmup_steps);
}

}  // namespace optim
}  // namespace nvembed
