#pragma once

#include <cstdint>
#include <memory>
#include <nvembed/batch/packed.hpp>
#include <nvembed/core/counter_rng.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// A key for each token of a batch, made of its text's id and its position: what `Randomness` tells rows apart by.
/// `text_ids` is one for each text, by the caller's number (`Segment::index`).
inline std::shared_ptr<const std::vector<std::uint64_t>> row_keys(const Packed& batch,
                                                                  std::span<const std::uint64_t> text_ids) {
  auto keys = std::make_shared<std::vector<std::uint64_t>>(static_cast<std::size_t>(batch.tokens()));
  for (const Segment& s : batch.segments()) {
    require<InputError>(static_cast<std::size_t>(s.index) < text_ids.size(), "row_keys", "text ", s.index, " of ",
                        text_ids.size());
    const CounterRng text = CounterRng().at(text_ids[static_cast<std::size_t>(s.index)]);
    for (Index i = 0; i < s.size; ++i)
      (*keys)[static_cast<std::size_t>(s.begin + i)] = text.bits(static_cast<std::uint64_t>(i));
  }
  return keys;
}

}  // namespace nvembed
