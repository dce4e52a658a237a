#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/search/ranked.hpp>
#include <span>
#include <vector>

namespace nvembed::train {

/// The best of the candidates that a rule lets pass; or drawn from some more of the best, by the softmax of their
/// scores, none twice; or the best one and the others drawn (NV-Retriever's Top-K, Sampled Top-K, Top-1+Sampled Top-K).
enum class ChoiceMode : std::uint8_t { top, sampled, top1_sampled };

/// How negatives are chosen of the candidates that a rule lets pass.
struct NegativeChoice {
  ChoiceMode mode = ChoiceMode::top;
  Index pool = 10;         ///< of the best, of which is drawn
  double temperature = 1;  ///< the scores are divided by it

  /// How many of the best must be known to choose k. Throws InputError where k is below 1, the pool is smaller than it,
  /// or the temperature is no number above 0.
  NVEMBED_INLINE Index depth(Index k) const;
  /// k of `best` (sorted, at most depth(k) long), or all where there are no more; best first. A function of its
  /// arguments alone.
  NVEMBED_INLINE std::vector<search::Ranked> choose(std::span<const search::Ranked> best, Index k,
                                                    CounterRng key) const;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/negative_choice.inl>
#endif
