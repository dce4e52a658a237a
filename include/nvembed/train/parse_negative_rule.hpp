#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/any_negative_rule.hpp>
#include <string_view>

namespace nvembed::train {

/// A rule as it is written on the command line: `perc`, `margin`, `abs`, `shifted`, each alone or with its number
/// (`perc:0.9`), and `top`. Throws InputError for other words, and for numbers that make no sense.
NVEMBED_INLINE AnyNegativeRule parse_negative_rule(std::string_view words);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/parse_negative_rule.inl>
#endif
