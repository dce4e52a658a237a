#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/train/permutation.hpp>
#include <nvembed/train/sampler.hpp>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE Sampler::Sampler(std::vector<Index> records, SamplerOptions options)
    : options_(std::move(options)),
      records_(std::move(records)),
      places_key_(CounterRng(options_.seed).at(0)),
      records_key_(CounterRng(options_.seed).at(1)) {
  const std::size_t tasks = records_.size();
  require<InputError>(tasks > 0, "sampler", "no tasks");
  require<InputError>(options_.batch > 0, "sampler", "a batch of ", options_.batch, " records");
  require<InputError>(std::isfinite(options_.size_exponent), "sampler", "size_exponent is ", options_.size_exponent);
  require<InputError>(options_.weights.empty() || options_.weights.size() == tasks, "sampler", options_.weights.size(),
                      " weights for ", tasks, " tasks");
  double sum = 0;
  for (std::size_t t = 0; t < tasks; ++t) {
    const double weight = options_.weights.empty() ? 1 : options_.weights[t];
    require<InputError>(std::isfinite(weight) && weight >= 0, "sampler", "the weight of task ", t, " is ", weight);
    require<InputError>(records_[t] > 0 || (weight == 0 && records_[t] == 0), "sampler", "task ", t, " has ",
                        records_[t], " records");
    shares_.push_back(weight == 0 ? 0 : weight * std::pow(static_cast<double>(records_[t]), options_.size_exponent));
    sum += shares_.back();
  }
  require<InputError>(sum > 0 && std::isfinite(sum), "sampler", "the weights of the tasks sum up to ", sum);
  double smallest = 1;
  below_.push_back(0);
  for (double& share : shares_) {
    share /= sum;
    if (share > 0) smallest = std::min(smallest, share);
    below_.push_back(below_.back() + share);
  }
  // Exactly all behind the last task that has a share: rounding of the sum must give those after it no place.
  for (std::size_t t = tasks; t > 0 && (t == tasks || shares_[t] == 0); --t) below_[t] = 1;

  // A cycle is long enough that each task has four places, so that rounding moves places between cycles but never
  // leaves one with fewer than none; and not so long that shuffling it would be felt.
  constexpr Index least_steps = 32, most_places = Index{1} << 20;
  const double needed = std::ceil(4 / smallest);
  require<InputError>(needed <= static_cast<double>(most_places), "sampler", "a task's share is one record in ",
                      1 / smallest, "; leave it out, or give it more weight");
  step_places_ = options_.mix == BatchMix::homogeneous ? 1 : options_.batch;
  cycle_steps_ = std::max(least_steps, (static_cast<Index>(needed) + step_places_ - 1) / step_places_);
  cycle_places_ = cycle_steps_ * step_places_;
}

NVEMBED_INLINE Index Sampler::places_below(Index cycles, std::size_t t) const {
  return static_cast<Index>(std::floor(static_cast<double>(cycles * cycle_places_) * below_[t]));
}

NVEMBED_INLINE std::vector<Draw> Sampler::batch(Index step) const {
  // Beyond, numbers of places are not exact in double.
  require<InputError>(step >= 0 && step <= (Index{1} << 50) / options_.batch, "sampler", "step ", step);
  const Index cycle = step / cycle_steps_;
  std::vector<std::uint32_t> places;  // tasks
  std::vector<Index> drawn;           // a task's places before the current one
  places.reserve(static_cast<std::size_t>(cycle_places_));
  for (std::size_t t = 0; t < records_.size(); ++t) {
    const Index before = places_below(cycle, t + 1) - places_below(cycle, t);
    const Index after = places_below(cycle + 1, t + 1) - places_below(cycle + 1, t);
    drawn.push_back(before);
    places.insert(places.end(), static_cast<std::size_t>(after - before), static_cast<std::uint32_t>(t));
  }

  // Fisher-Yates from the front: the places behind this step need no shuffling.
  const CounterRng key = places_key_.at(static_cast<std::uint64_t>(cycle));
  const Index first = step % cycle_steps_ * step_places_, end = first + step_places_;
  const Index repeats = options_.batch / step_places_;
  std::vector<Draw> batch;
  batch.reserve(static_cast<std::size_t>(options_.batch));
  for (Index p = 0; p < end; ++p) {
    const std::uint64_t left = static_cast<std::uint64_t>(cycle_places_ - p);
    const Index from = p + static_cast<Index>(key.at(static_cast<std::uint64_t>(p)).bits() % left);
    std::swap(places[static_cast<std::size_t>(p)], places[static_cast<std::size_t>(from)]);
    const std::size_t t = places[static_cast<std::size_t>(p)];
    const Index place = drawn[t]++;
    if (p < first) continue;
    const Index n = records_[t];
    for (Index r = 0; r < repeats; ++r) {
      const Index number = place * repeats + r;  // of the task's draws
      const auto epoch = static_cast<std::uint64_t>(number / n);
      const Permutation order(n, records_key_.at(t).at(epoch));
      batch.push_back({static_cast<Index>(t), order(number % n), epoch});
    }
  }
  return batch;
}

}  // namespace nvembed::train
