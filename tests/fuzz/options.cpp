#include <nvembed/core/precision.hpp>
#include <nvembed/mask/parse.hpp>
#include <nvembed/text/instruction.hpp>
#include <nvembed/train/parse_negative_rule.hpp>

#include "fuzz.hpp"

// Words that options are written in: a mask, a precision, a rule of mining, a template.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view word = fuzz::text(data, size);
  fuzz::survives([&] {
    const auto mask = nvembed::mask::parse(word);
    const std::string name = mask.str();
    fuzz::check(nvembed::mask::parse(name).str() == name, "a mask's name is that mask");
  });
  fuzz::survives([&] {
    const auto rule = nvembed::train::parse_negative_rule(word);
    fuzz::check(rule.skipped() >= 0 && !(rule.limit(0.5) != rule.limit(0.5)), "a rule's numbers make sense");
  });
  if (const auto precision = nvembed::parse_precision(word))
    fuzz::check(nvembed::name(*precision) == word, "a precision's name is that precision");
  const auto parts = fuzz::parts(word, 2);
  if (parts.size() == 2) {
    const std::string filled = nvembed::text::apply_template(parts[0], parts[1]);
    fuzz::check(parts[0].find("{instruction}") != parts[0].npos || filled == parts[0] || parts[1].empty(),
                "a template without a place stays as it is");
  }
  return 0;
}
