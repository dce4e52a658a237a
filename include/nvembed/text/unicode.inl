#pragma once

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include <nvembed/text/unicode.hpp>

namespace nvembed::text {

NVEMBED_INLINE void require_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    utf8proc_int32_t c = 0;
    const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    require<InputError>(used > 0, "tokenize", "the text is not valid UTF-8 at byte ", at);
    at += static_cast<std::size_t>(used);
  }
}

NVEMBED_INLINE bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}
NVEMBED_INLINE bool is_number(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}
NVEMBED_INLINE bool is_word(char32_t c) {
  const auto k = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ND) || k == UTF8PROC_CATEGORY_NL ||
         k == UTF8PROC_CATEGORY_PC || c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9);
}

NVEMBED_INLINE std::string nfc(std::string_view text, std::vector<Index>* source) {
  std::string out;
  if (source) source->clear();
  // Characters below U+0300 never combine with what stands before them, so the text falls into independent stretches that
  // begin at one of them: that bounds the work and says where the bytes of the result come from. Neither does U+11A7, which
  // stands just before the trailing Hangul jamo; utf8proc 2.8 takes it for one and drops it.
  const auto starts_stretch = [](char32_t c) { return c < 0x300 || c == 0x11A7; };
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    std::size_t next = at;
    next_code_point(text, next);
    bool ascii = static_cast<unsigned char>(text[begin]) < 0x80;
    for (at = next; at < text.size(); at = next) {
      if (starts_stretch(next_code_point(text, next))) break;
      ascii = false;
    }
    const std::string_view stretch = text.substr(begin, at - begin);
    if (ascii) {
      out += stretch;
    } else {
      utf8proc_uint8_t* mapped = nullptr;
      const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(stretch.data()),
                                     static_cast<utf8proc_ssize_t>(stretch.size()), &mapped,
                                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
      const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
      require<Error>(size >= 0, "tokenize", "normalisation failed: ", size < 0 ? utf8proc_errmsg(size) : "");
      out.append(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
      if (source && std::string_view(out).substr(out.size() - static_cast<std::size_t>(size)) != stretch) {
        source->resize(out.size(), static_cast<Index>(begin));
        continue;
      }
    }
    if (source)
      for (std::size_t i = 0; i < stretch.size(); ++i) source->push_back(static_cast<Index>(begin + i));
  }
  if (source) source->push_back(static_cast<Index>(text.size()));
  return out;
}

}  // namespace nvembed::text
