#pragma once

#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <vector>

/// n numbers of [-0.5, 0.5), the same for the same seed.
inline std::vector<float> random(nvembed::Index n, std::uint64_t seed) {
  std::vector<float> v;
  for (nvembed::Index i = 0; i < n; ++i)
    v.push_back(static_cast<float>(nvembed::CounterRng(seed).at(static_cast<std::uint64_t>(i)).uniform()) - 0.5f);
  return v;
}
