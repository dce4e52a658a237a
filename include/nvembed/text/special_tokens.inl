#pragma once

#include <algorithm>

#include <nvembed/text/special_tokens.hpp>

namespace nvembed::text {
namespace detail {

inline char32_t code_point_before(std::string_view text, std::size_t& at) {
  do --at;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  std::size_t next = at;
  return next_code_point(text, next);
}

}  // namespace detail

NVEMBED_INLINE SpecialTokens::SpecialTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& t) { return t.content.empty(); });
  const auto first = [](const AddedToken& t) { return static_cast<unsigned char>(t.content[0]); };
  std::stable_sort(tokens_.begin(), tokens_.end(), [&](const AddedToken& a, const AddedToken& b) {
    return first(a) != first(b) ? first(a) < first(b) : a.content.size() > b.content.size();
  });
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    auto& [begin, end] = range_[first(tokens_[i])];
    if (end == 0) begin = i;
    end = i + 1;
  }
}

NVEMBED_INLINE const AddedToken* SpecialTokens::match(std::string_view text, std::size_t at, bool parse_special) const {
  const auto [begin, end] = range_[static_cast<unsigned char>(text[at])];
  for (std::uint32_t i = begin; i < end; ++i) {
    const AddedToken& t = tokens_[i];
    if ((parse_special || !t.special) && text.substr(at, t.content.size()) == t.content) return &t;
  }
  return nullptr;
}

NVEMBED_INLINE bool SpecialTokens::stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0) {
    std::size_t at = begin;
    if (is_word(detail::code_point_before(text, at))) return false;
  }
  return end == text.size() || !is_word(next_code_point(text, end));
}

NVEMBED_INLINE std::size_t SpecialTokens::space_before(std::string_view text, std::size_t begin) {
  while (begin > 0) {
    std::size_t at = begin;
    if (!is_space(detail::code_point_before(text, at))) break;
    begin = at;
  }
  return begin;
}

NVEMBED_INLINE std::size_t SpecialTokens::space_after(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    std::size_t next = end;
    if (!is_space(next_code_point(text, next))) break;
    end = next;
  }
  return end;
}

}  // namespace nvembed::text
