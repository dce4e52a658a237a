#pragma once

#include <algorithm>
#include <numeric>
#include <nvembed/core/shape.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// Cuts texts into batches of at most `budget` tokens (a longer text makes a batch of its own). Texts are taken longest
/// first, so that those of like length share one. Returns numbers of texts; results do not depend on the cut.
inline std::vector<std::vector<Index>> cut_batches(std::span<const Index> lengths, Index budget) {
  require<InputError>(budget > 0, "pack", "a token budget of ", budget, " holds no text");
  std::vector<Index> order(lengths.size());
  std::iota(order.begin(), order.end(), Index{0});
  const auto length = [&](Index i) { return lengths[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return length(a) > length(b); });
  std::vector<std::vector<Index>> batches;
  Index used = 0;
  for (Index i : order) {
    if (batches.empty() || used + length(i) > budget) {
      batches.emplace_back();
      used = 0;
    }
    batches.back().push_back(i);
    used += length(i);
  }
  return batches;
}

}  // namespace nvembed
