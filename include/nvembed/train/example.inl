#pragma once

#include <nvembed/core/error.hpp>
#include <nvembed/train/example.hpp>
#include <nvembed/train/permutation.hpp>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE Example example_of(Record record, std::uint64_t epoch, Index hard_negatives, CounterRng key) {
  require<InputError>(hard_negatives >= 0, "example", hard_negatives, " hard negatives");
  require<InputError>(!record.positives.empty(), "example", "a record without a positive");
  Example e;
  e.query = std::move(record.query);
  e.grade = record.grade;
  const auto positives = static_cast<Index>(record.positives.size());
  const std::uint64_t round = epoch / static_cast<std::uint64_t>(positives);
  const Index own = Permutation(positives, key.at(0).at(round))(static_cast<Index>(epoch) % positives);
  for (Index p = 0; p < positives; ++p) {
    std::string& text = record.positives[static_cast<std::size_t>(p)];
    if (p == own)
      e.positive = std::move(text);
    else
      e.other_positives.push_back(std::move(text));
  }
  const auto all = static_cast<Index>(record.negatives.size());
  if (all <= hard_negatives) {
    e.negatives = std::move(record.negatives);
    return e;
  }
  const Permutation order(all, key.at(1).at(epoch));
  for (Index i = 0; i < hard_negatives; ++i)
    e.negatives.push_back(std::move(record.negatives[static_cast<std::size_t>(order(i))]));
  return e;
}

}  // namespace nvembed::train
