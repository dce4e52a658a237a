#pragma once

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nvembed/text/unicode.hpp>

namespace nvembed::text {
namespace detail {

struct CodeRange {
  char32_t first, last;
};
/// Letters and numbers of Unicode 15.1 and 16 (UnicodeData.txt), which the `tokenizers` package knows; utf8proc 2.8 is
/// at Unicode 15. They count only where utf8proc has no such character.
inline constexpr CodeRange new_letters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3}, {0x10D4A, 0x10D65},
    {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E},
    {0x11390, 0x113B5}, {0x113B7, 0x113B7}, {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0},
    {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C}, {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED},
    {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D}};
inline constexpr CodeRange new_numbers[] = {{0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9},
                                            {0x16130, 0x16139}, {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9},
                                            {0x1E5F1, 0x1E5FA}};
template <std::size_t n>
bool is_new(char32_t c, const CodeRange (&ranges)[n]) {
  for (const CodeRange& r : ranges)
    if (c >= r.first && c <= r.last) return true;
  return false;
}

/// Bytes of the well-formed sequence at `at` (Unicode 15, table 3-7); 0 where there is none.
inline std::size_t valid_sequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(at + i) >= low && byte(at + i) <= high;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return follows(1) ? 2 : 0;
  if (lead < 0xF0) {
    const bool second = follows(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && follows(2) ? 3 : 0;
  }
  if (lead > 0xF4) return 0;
  const bool second = follows(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
  return second && follows(2) && follows(3) ? 4 : 0;
}

/// How many bytes from `at` on are ASCII, in steps of eight: a lower bound.
inline std::size_t ascii_run(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  for (std::uint64_t word; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (word & 0x8080808080808080u) break;
  }
  return at - begin;
}

/// Whether a character never combines with one that stands before it: no mark, and no vowel or final of a Hangul
/// syllable. (Marks of Kirat Rai, U+16D63 on, are letters by category. U+11A7, which utf8proc takes for a final, is
/// none.)
inline bool begins_stretch(char32_t c) {
  if (c < 0x300) return true;
  if ((c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2) || (c >= 0x16D63 && c <= 0x16D6A)) return false;
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return k != UTF8PROC_CATEGORY_MN && k != UTF8PROC_CATEGORY_MC && k != UTF8PROC_CATEGORY_ME;
}

inline void append_utf8(std::string& out, char32_t c) {
  const auto byte = [&](char32_t b) { out += static_cast<char>(static_cast<unsigned char>(b)); };
  if (c < 0x80) return byte(c);
  if (c < 0x800) return byte(0xC0 | c >> 6), byte(0x80 | (c & 63));
  if (c < 0x10000) return byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
  byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
}

/// Form C of one stretch into `out`. Marks are sorted here, because utf8proc's own sorting is quadratic in their
/// number.
inline void normalize_stretch(std::string_view stretch, std::vector<utf8proc_int32_t>& points, std::string& out) {
  points.clear();
  for (std::size_t at = 0; at < stretch.size();) {
    utf8proc_int32_t parts[32];
    int last_class = 0;
    const auto c = static_cast<utf8proc_int32_t>(next_code_point(stretch, at));
    const auto n = utf8proc_decompose_char(c, parts, 32, UTF8PROC_DECOMPOSE, &last_class);
    require<Error>(n > 0 && n <= 32, "tokenize", "utf8proc cannot decompose code point ", c);
    points.insert(points.end(), parts, parts + n);
  }
  const auto combining_class = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
  for (auto at = points.begin(); at != points.end();) {
    at = std::find_if(at, points.end(), [&](auto c) { return combining_class(c) != 0; });
    const auto marks_end = std::find_if(at, points.end(), [&](auto c) { return combining_class(c) == 0; });
    std::stable_sort(at, marks_end, [&](auto a, auto b) { return combining_class(a) < combining_class(b); });
    at = marks_end;
  }
  const auto size = utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                                             static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  require<Error>(size >= 0, "tokenize", "utf8proc cannot normalise: ", size < 0 ? utf8proc_errmsg(size) : "");
  out.clear();
  for (utf8proc_ssize_t i = 0; i < size; ++i)
    append_utf8(out, static_cast<char32_t>(points[static_cast<std::size_t>(i)]));
}

}  // namespace detail

NVEMBED_INLINE std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      at += std::max<std::size_t>(1, detail::ascii_run(text, at));
      continue;
    }
    const std::size_t size = detail::valid_sequence(text, at);
    if (size == 0) return at;
    at += size;
  }
  return text.npos;
}
NVEMBED_INLINE void require_utf8(std::string_view text) {
  const std::size_t at = find_invalid_utf8(text);
  require<InputError>(at == text.npos, "tokenize", "the text is not valid UTF-8 at byte ", at);
}

NVEMBED_INLINE bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (k == UTF8PROC_CATEGORY_CN) return detail::is_new(c, detail::new_letters);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}
NVEMBED_INLINE bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (k == UTF8PROC_CATEGORY_CN) return detail::is_new(c, detail::new_numbers);
  return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}
NVEMBED_INLINE bool is_word(char32_t c) {
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (k == UTF8PROC_CATEGORY_CN) return is_letter(c) || is_number(c);
  // Letters, marks, decimal digits and letter numbers stand in a row; the last four ranges are letters in a circle or
  // square.
  return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NL) || k == UTF8PROC_CATEGORY_PC || c == 0x200C ||
         c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
         (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

NVEMBED_INLINE bool may_change_in_nfc(std::string_view text) {
  // Everything below U+0300 stays as it is; lead bytes up to CB spell those.
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) < 0x80) at += detail::ascii_run(text, at);
    if (at < text.size() && static_cast<unsigned char>(text[at]) >= 0xCC) return true;
  }
  return false;
}

NVEMBED_INLINE std::string lower_case(std::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  for (std::size_t at = 0; at < text.size();)
    detail::append_utf8(
        lower, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(next_code_point(text, at)))));
  return lower;
}

NVEMBED_INLINE std::string nfc(std::string_view text, std::vector<Index>* ends) {
  std::string out;
  out.reserve(text.size());
  if (ends) {
    ends->clear();
    ends->reserve(text.size());
  }
  // Stretches that nothing combines across are normalised one by one; so it is known where bytes of the result are
  // from.
  std::vector<utf8proc_int32_t> points;
  std::string result;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    const char32_t first = next_code_point(text, end);
    bool single = true;
    for (std::size_t next = end; next < text.size(); end = next, single = false)
      if (detail::begins_stretch(next_code_point(text, next))) break;
    const std::string_view stretch = text.substr(begin, end - begin);
    const bool hangul_syllable = first >= 0xAC00 && first <= 0xD7A3;
    std::string_view normal = stretch;
    if (!single || (first >= 0x300 && !hangul_syllable)) {
      detail::normalize_stretch(stretch, points, result);
      normal = result;
    }
    out += normal;
    if (!ends) continue;
    const bool same = normal == stretch;
    for (std::size_t i = 0; i < normal.size(); ++i) ends->push_back(static_cast<Index>(same ? begin + i + 1 : end));
  }
  return out;
}

}  // namespace nvembed::text
