#pragma once

#include <algorithm>
#include <nvembed/text/tokenizer.hpp>
#include <nvembed/text/unicode.hpp>

#include "fuzz.hpp"

namespace fuzz {

/// All that a Tokenizer promises for any text. Whether the text was taken, as valid UTF-8 is by any honest tokenizer.
template <nvembed::Tokenizer K>
bool check_tokenizer(const K& tokenizer, std::string_view text, bool parse_special, nvembed::Index limit) {
  using nvembed::Index;
  constexpr nvembed::TokenId before = 7;  // `encode` appends
  const bool valid = nvembed::text::find_invalid_utf8(text) == text.npos;
  std::vector<nvembed::TokenId> ids{before}, plain{before}, limited{before};
  std::vector<Index> ends;
  const bool taken = survives([&] { tokenizer.encode(text, ids, {.parse_special = parse_special, .ends = &ends}); });
  check(valid || !taken, "invalid UTF-8 is refused");
  if (!taken) return false;

  check(ids[0] == before && ends.size() + 1 == ids.size(), "one end a token");
  check(std::all_of(ids.begin() + 1, ids.end(), [&](auto id) { return id >= 0 && id < tokenizer.vocab_size(); }),
        "ids lie in the vocabulary");
  for (std::size_t i = 0; i < ends.size(); ++i)
    check(ends[i] >= (i ? ends[i - 1] : 0) && ends[i] <= static_cast<Index>(text.size()),
          "ends go forward within the text");
  check(survives([&] { tokenizer.encode(text, plain, {.parse_special = parse_special}); }), "taken again");
  check(plain == ids, "the same ids again, and without ends");
  check(survives([&] { tokenizer.encode(text, limited, {.parse_special = parse_special, .limit = limit}); }),
        "taken with a limit");
  const std::size_t kept = std::min(ids.size(), static_cast<std::size_t>(limit) + 1);
  check(limited.size() >= kept &&
            std::equal(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(kept), limited.begin()),
        "a limit leaves the tokens before it as they are");
  for (const auto id : ids) (void)tokenizer.find(tokenizer.token(id));
  return true;
}

/// A tokenizer out of a strange file, over texts that reach its corners.
template <nvembed::Tokenizer K>
void try_tokenizer(const K& tokenizer) {
  static const std::string texts[] = {
      "",
      " ",
      "A few words,  they're\n\n here \t 12345 </s>.",
      "\xE6\x9D\xB1\xE4\xBA\xAC e\xCC\x81\xCC\xA3 \xF0\x9F\x98\x80",
      "\xE2\x96\x81<s><unk>  <|im_start|>" + std::string(40, 'a') + std::string(40, ' '),
      std::string(3, '\0')};
  for (const std::string& text : texts)
    for (const bool special : {false, true}) check_tokenizer(tokenizer, text, special, 3);
}

}  // namespace fuzz
