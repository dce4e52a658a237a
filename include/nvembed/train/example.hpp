#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/train/record.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed::train {

/// What one step trains on of a record.
struct Example {
  std::string query, positive;
  std::vector<std::string> negatives;
  std::vector<std::string> other_positives;  ///< of the record; not encoded, but nobody's negatives
  std::optional<double> grade = {};          ///< of a graded pair
};

/// The record's example in an epoch: all positives in turn, shuffled, before one comes again; `hard_negatives` of its
/// negatives, drawn anew each epoch, or all where it has no more. `key` belongs to the record. Throws InputError where
/// `hard_negatives` is negative or the record has no positive.
NVEMBED_INLINE Example example_of(Record record, std::uint64_t epoch, Index hard_negatives, CounterRng key);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/example.inl>
#endif
