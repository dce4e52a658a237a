#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/train/draw.hpp>
#include <nvembed/train/sampler_options.hpp>
#include <vector>

namespace nvembed::train {

/// Draws records of several tasks. A batch is a function of options, numbers of records and step: nothing is
/// remembered, so resuming, threads and order cannot change it, and any step costs the same. Each task's records are
/// gone through in a shuffled order, all of them once before any comes again, in another order each time.
///
/// Steps are cut into cycles of equal length. A cycle holds each task in proportion to its share, rounded so that all
/// cycles together are exact to one place, in shuffled order; so a batch is as blended as independent draws, and the
/// number of a task's places before a cycle is known without counting.
class Sampler {
 public:
  /// `records`: how many each task has. Throws InputError where options make no sense, no task has a share, one with a
  /// share has no records, or a share is below 4e-6 of the whole.
  NVEMBED_INLINE explicit Sampler(std::vector<Index> records, SamplerOptions options = {});

  /// The batch of a step, counted from 0; `options.batch` draws. Any number of threads may ask.
  NVEMBED_INLINE std::vector<Draw> batch(Index step) const;
  /// Of all records drawn, the task's part; together 1.
  const std::vector<double>& shares() const { return shares_; }
  const SamplerOptions& options() const { return options_; }
  /// Steps of a cycle.
  Index cycle_steps() const { return cycle_steps_; }

 private:
  /// Places of all tasks below t in the first `cycles` cycles.
  NVEMBED_INLINE Index places_below(Index cycles, std::size_t t) const;

  SamplerOptions options_;
  std::vector<Index> records_;
  std::vector<double> shares_, below_;  // below_[t]: shares of the tasks before t
  Index step_places_ = 0;               // places of a step: a record each, or one for the whole batch
  Index cycle_steps_ = 0, cycle_places_ = 0;
  CounterRng places_key_, records_key_;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/sampler.inl>
#endif
