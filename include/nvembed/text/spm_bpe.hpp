#pragma once

#include <cstdint>
#include <nvembed/text/normalizer.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::text {

/// The visible space of sentencepiece, U+2581.
inline constexpr std::string_view visible_space = "\xE2\x96\x81";

/// The pre-tokenizer that makes spaces visible and may cut the text before each of them.
struct Metaspace {
  enum class Prepend : std::uint8_t {
    never,
    first,  ///< one more space before the beginning of the whole text
    always  ///< and behind every added token
  };
  std::string replacement{visible_space};
  Prepend prepend = Prepend::always;  ///< nothing where there is a space already
  bool split = true;
};

/// The same written as normalisation, as in older files: a space is put before every stretch of text between added
/// tokens, also where one stands there already. What sentencepiece's "dummy prefix" does.
inline std::vector<NormalizerStep> spm_normalizer(bool dummy_prefix) {
  std::vector<NormalizerStep> steps;
  if (dummy_prefix) steps.push_back({NormalizerStep::Kind::prepend, {}, std::string(visible_space)});
  steps.push_back({NormalizerStep::Kind::replace, " ", std::string(visible_space)});
  return steps;
}

}  // namespace nvembed::text
