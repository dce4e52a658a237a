#pragma once

#include <concepts>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// Which candidates may be a query's hard negatives, by a teacher's scores. What answers a query without being known to
/// scores about as high as a known answer, so good rules ask the positive (NV-Retriever, arXiv 2407.15831).
template <class R>
concept NegativeRule = requires(const R& r, double positive) {
  /// A candidate is taken if it scores strictly less than this, given the positive's score; infinity: whatever it
  /// scores.
  { r.limit(positive) } -> std::same_as<double>;
  /// How many of the best of them are passed over.
  { r.skipped() } -> std::same_as<Index>;
  /// Throws InputError for numbers that make no sense.
  { r.check() } -> std::same_as<void>;
};

}  // namespace nvembed::train
