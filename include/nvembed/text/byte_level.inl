#pragma once

#include <nvembed/text/byte_level.hpp>
#include <string>

namespace nvembed::text {
namespace detail {

/// Reads a text from a place on, one character ahead.
struct Cursor {
  std::string_view text;
  std::size_t at;  // of `c`
  char32_t c = 0;  // undefined at the end
  std::size_t next = 0;

  Cursor(std::string_view t, std::size_t a) : text(t), at(a) { load(); }
  bool end() const { return at >= text.size(); }
  void step() {
    at = next;
    load();
  }
  template <class P>
  void skip(P&& p) {
    while (!end() && p(c)) step();
  }

 private:
  void load() {
    next = at;
    if (!end()) c = next_code_point(text, next);
  }
};

inline bool is_newline(char32_t c) { return c == '\r' || c == '\n'; }
/// [^\s\p{L}\p{N}]
inline bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }

/// Bytes of 's, 't, 're, 've, 'm, 'll or 'd at `at`; 0 for none. Without case also its capitals and, by simple case
/// folding, the long s (U+017F).
inline std::size_t contraction(std::string_view text, std::size_t at, bool any_case) {
  if (text[at] != '\'' || at + 1 >= text.size()) return 0;
  const auto lower = [&](std::size_t i) -> char {
    if (i >= text.size()) return 0;
    return any_case && text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
  };
  const char a = lower(at + 1), b = lower(at + 2);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
  if (any_case && text.substr(at + 1, 2) == "\xC5\xBF") return 3;
  return 0;
}

/// \s+(?!\S)|\s+ over the white space that begins at `at`: all of it at the end of the text or where it is one
/// character, else all but its last character.
inline std::size_t spaces(std::string_view text, std::size_t at) {
  Cursor run(text, at);
  std::size_t last = at, count = 0;
  while (!run.end() && is_space(run.c)) {
    last = run.at;
    ++count;
    run.step();
  }
  return (run.end() || count == 1 ? run.at : last) - at;
}

inline std::size_t digit_length(std::string_view text, std::size_t at, bool each) {
  Cursor p(text, at);
  if (!is_number(p.c))
    p.skip([](char32_t c) { return !is_number(c); });
  else if (each)
    p.step();
  else
    p.skip(is_number);
  return p.at - at;
}

inline std::size_t gpt2_length(std::string_view text, std::size_t at) {
  if (const std::size_t n = contraction(text, at, false)) return n;
  Cursor p(text, at);
  if (p.c == ' ') p.step();
  if (!p.end()) {
    if (is_letter(p.c)) return p.skip(is_letter), p.at - at;
    if (is_number(p.c)) return p.skip(is_number), p.at - at;
    if (!is_space(p.c)) return p.skip(is_other), p.at - at;
  }
  return spaces(text, at);
}

inline std::size_t llama3_length(std::string_view text, std::size_t at, int digits) {
  if (const std::size_t n = contraction(text, at, true)) return n;
  const Cursor begin(text, at);
  Cursor p = begin;
  if (is_number(p.c)) {
    for (int i = 0; i < digits && !p.end() && is_number(p.c); ++i) p.step();
    return p.at - at;
  }
  if (!is_newline(p.c) && !is_letter(p.c)) p.step();
  if (!p.end() && is_letter(p.c)) return p.skip(is_letter), p.at - at;
  p = begin;
  if (p.c == ' ') p.step();
  if (!p.end() && is_other(p.c)) {
    p.skip(is_other);
    p.skip(is_newline);
    return p.at - at;
  }
  // \s*[\r\n]+: the white space up to its last line end
  std::size_t after_newline = at;
  for (p = begin; !p.end() && is_space(p.c);) {
    const bool newline = is_newline(p.c);
    p.step();
    if (newline) after_newline = p.at;
  }
  return after_newline > at ? after_newline - at : spaces(text, at);
}

}  // namespace detail

NVEMBED_INLINE std::size_t cut_length(Cut cut, std::string_view text, std::size_t at) {
  switch (cut) {
    case Cut::digits:
      return detail::digit_length(text, at, true);
    case Cut::digit_runs:
      return detail::digit_length(text, at, false);
    case Cut::gpt2:
      return detail::gpt2_length(text, at);
    case Cut::llama3:
      return detail::llama3_length(text, at, 3);
    case Cut::qwen2:
      return detail::llama3_length(text, at, 1);
    case Cut::leading_space:
      break;
  }
  return text.size() - at;
}

NVEMBED_INLINE std::string regex_of(Cut cut) {
  const std::string tail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  const std::string head = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
  if (cut == Cut::llama3) return head + R"(\p{N}{1,3})" + tail;
  if (cut == Cut::qwen2) return head + R"(\p{N})" + tail;
  if (cut == Cut::gpt2) return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  return {};
}

NVEMBED_INLINE std::optional<Cut> cut_of_regex(std::string_view regex) {
  for (const Cut cut : {Cut::gpt2, Cut::llama3, Cut::qwen2})
    if (regex == regex_of(cut)) return cut;
  if (regex == R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)") return Cut::gpt2;
  return std::nullopt;
}

NVEMBED_INLINE const std::vector<NamedPreTokenizer>& named_pre_tokenizers() {
  static const std::vector<NamedPreTokenizer> all{
      {.name = "default", .cuts = {Cut::gpt2}},
      {.name = "gpt-2", .cuts = {Cut::gpt2}},
      {.name = "smollm", .cuts = {Cut::digits, Cut::gpt2}},
      {.name = "llama-bpe", .cuts = {Cut::llama3}, .ignore_merges = true, .add_bos = true},
      {.name = "llama3", .cuts = {Cut::llama3}, .ignore_merges = true, .add_bos = true},
      {.name = "qwen2", .cuts = {Cut::qwen2}, .nfc = true},
  };
  return all;
}

}  // namespace nvembed::text
