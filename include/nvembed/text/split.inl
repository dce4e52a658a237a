#pragma once

#include <nvembed/text/split.hpp>

namespace nvembed::text {
namespace detail {

/// Reads a text from a place on, one character ahead.
struct Cursor {
  std::string_view text;
  std::size_t at;       // of `c`
  char32_t c = 0;       // undefined at the end
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

/// \s+(?!\S)|\s+ over the white space that begins at `at`: all of it at the end of the text or where it is one character,
/// else all but its last character.
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

inline std::size_t gpt2_word(std::string_view text, std::size_t at) {
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

inline std::size_t llama3_word(std::string_view text, std::size_t at, int digits) {
  if (const std::size_t n = contraction(text, at, true)) return n;
  Cursor p(text, at);
  if (!is_newline(p.c) && !is_letter(p.c) && !is_number(p.c)) p.step();
  if (!p.end() && is_letter(p.c)) return p.skip(is_letter), p.at - at;
  p = Cursor(text, at);
  if (is_number(p.c)) {
    for (int i = 0; i < digits && !p.end() && is_number(p.c); ++i) p.step();
    return p.at - at;
  }
  if (p.c == ' ') p.step();
  if (!p.end() && is_other(p.c)) {
    p.skip(is_other);
    p.skip(is_newline);
    return p.at - at;
  }
  // \s*[\r\n]+: the white space up to its last line end
  std::size_t after_newline = at;
  for (p = Cursor(text, at); !p.end() && is_space(p.c);) {
    const bool newline = is_newline(p.c);
    p.step();
    if (newline) after_newline = p.at;
  }
  return after_newline > at ? after_newline - at : spaces(text, at);
}

}  // namespace detail

NVEMBED_INLINE std::size_t word_length(Split split, std::string_view text, std::size_t at) {
  switch (split) {
    case Split::gpt2: return detail::gpt2_word(text, at);
    case Split::llama3: return detail::llama3_word(text, at, 3);
    case Split::qwen2: return detail::llama3_word(text, at, 1);
    case Split::none: break;
  }
  return text.size() - at;
}

}  // namespace nvembed::text
