#pragma once

#include <cstdint>
#include <nvembed/mask/mask.hpp>

namespace nvembed::mask {

/// Instruction (the first `Segment::prefix` tokens) and text seen apart: an instruction token never sees the text, a
/// text token sees the whole instruction; inside its own part a token sees all of it (`full`) or what stands before it
/// (`causal`). {full, causal} is the prefix language model; {causal, full} and {full, full} are embedding masks after
/// GritLM (arXiv 2402.09906), whose instruction states do not depend on the text.
struct Prefix {
  static constexpr bool exact_keys = true;
  enum class Sight : std::uint8_t { causal, full };
  Sight instruction = Sight::full, text = Sight::full;

  NVEMBED_HD bool allows(Index q, Index k, const Segment& s) const {
    if (q < s.prefix) return k < s.prefix && (instruction == Sight::full || k <= q);
    return k < s.prefix || text == Sight::full || k <= q;
  }
  NVEMBED_HD Range keys(Range queries, const Segment& s) const {
    if (queries.end <= s.prefix) return {0, instruction == Sight::full ? s.prefix : queries.end};
    if (text == Sight::full) return {0, s.size};
    return {0, queries.end > s.prefix ? queries.end : s.prefix};
  }
  bool operator==(const Prefix&) const = default;
};

}  // namespace nvembed::mask
