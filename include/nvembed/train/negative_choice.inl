#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/train/negative_choice.hpp>

namespace nvembed::train {

NVEMBED_INLINE Index NegativeChoice::depth(Index k) const {
  require<InputError>(k >= 1, "mining", k, " negatives; 1 or more can be mined");
  if (mode == ChoiceMode::top) return k;
  require<InputError>(pool >= k, "mining", k, " negatives cannot be drawn from a pool of ", pool);
  require<InputError>(std::isfinite(temperature) && temperature > 0, "mining", "a temperature of ", temperature,
                      "; it is above 0");
  return pool;
}

NVEMBED_INLINE std::vector<search::Ranked> NegativeChoice::choose(std::span<const search::Ranked> best, Index k,
                                                                  CounterRng key) const {
  const std::size_t wanted = std::min(best.size(), static_cast<std::size_t>(k));
  if (mode == ChoiceMode::top || wanted == best.size())
    return {best.begin(), best.begin() + static_cast<std::ptrdiff_t>(wanted)};
  std::vector<double> weights;
  for (const search::Ranked& r : best)
    weights.push_back(std::exp((static_cast<double>(r.score) - static_cast<double>(best[0].score)) / temperature));
  std::vector<bool> taken(best.size());
  std::size_t number = 0;
  if (mode == ChoiceMode::top1_sampled) taken[number++] = true;
  for (; number < wanted; ++number) {
    double all = 0;
    for (std::size_t i = 0; i < best.size(); ++i) all += taken[i] ? 0 : weights[i];
    double left = key.at(number).uniform() * all;
    // The last one that is not taken, should rounding leave something over.
    std::size_t drawn = best.size();
    for (std::size_t i = 0; i < best.size() && (drawn == best.size() || left >= 0); ++i) {
      if (taken[i]) continue;
      drawn = i;
      left -= weights[i];
    }
    taken[drawn] = true;
  }
  std::vector<search::Ranked> chosen;
  for (std::size_t i = 0; i < best.size(); ++i)
    if (taken[i]) chosen.push_back(best[i]);
  return chosen;
}

}  // namespace nvembed::train
