#pragma once

#include <charconv>
#include <nvembed/core/error.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/train/parse_negative_rule.hpp>
#include <nvembed/train/top_k.hpp>
#include <nvembed/train/top_k_abs.hpp>
#include <nvembed/train/top_k_margin_pos.hpp>
#include <nvembed/train/top_k_perc_pos.hpp>
#include <nvembed/train/top_k_shifted.hpp>

namespace nvembed::train {

NVEMBED_INLINE AnyNegativeRule parse_negative_rule(std::string_view words) {
  const auto colon = words.find(':');
  const std::string_view name = words.substr(0, colon);
  const std::string_view number = colon == words.npos ? std::string_view() : words.substr(colon + 1);
  const auto refuse = [&] {
    fail<InputError>(
        "mining", "rule '", printable(words),
        "' is none of perc, margin, abs, shifted, top, nor one of the first four with its number (perc:0.95)");
  };
  const auto read = [&](auto rule, auto member) -> AnyNegativeRule {
    if (colon == words.npos) return rule;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rule.*member);
    if (error != std::errc{} || end != number.data() + number.size()) refuse();
    return rule;
  };
  if (name == "perc") return read(TopKPercPos{}, &TopKPercPos::share);
  if (name == "margin") return read(TopKMarginPos{}, &TopKMarginPos::margin);
  if (name == "abs") return read(TopKAbs{}, &TopKAbs::threshold);
  if (name == "shifted") return read(TopKShifted{}, &TopKShifted::shift);
  if (words != "top") refuse();
  return TopK{};
}

}  // namespace nvembed::train
