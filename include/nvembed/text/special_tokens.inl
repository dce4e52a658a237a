#pragma once

#include <algorithm>
#include <cstdint>
#include <nvembed/text/special_tokens.hpp>
#include <nvembed/text/unicode.hpp>
#include <utility>

namespace nvembed::text {
namespace detail {

/// The character that ends before `at` > 0; its first byte is stored.
inline char32_t previous_code_point(std::string_view text, std::size_t at, std::size_t& begin) {
  begin = at - 1;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  std::size_t next = begin;
  return next_code_point(text, next);
}

}  // namespace detail

NVEMBED_INLINE SpecialTokens::SpecialTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& t) { return t.content.empty(); });
  first_.fill(false);
  token_of_.assign(1, -1);
  std::size_t bytes = 0;
  for (std::size_t t = 0; t < tokens_.size(); ++t) {
    // They are looked for at every place of a text, byte by byte.
    const std::size_t size = tokens_[t].content.size();
    require<InputError>(size <= 512 && (bytes += size) <= std::size_t{1} << 21, "tokenizer", "added token ",
                        tokens_[t].id, " has ", size, " bytes; one may have 512, and all of them 2 MiB");
    std::uint32_t node = 0;
    for (const char c : tokens_[t].content) {
      const auto byte = static_cast<unsigned char>(c);
      if (const auto* edge = edges_.find(node, byte)) {
        node = edge->first;
        continue;
      }
      const auto child = static_cast<std::uint32_t>(token_of_.size());
      edges_.set(node, byte, {child, 0});
      token_of_.push_back(-1);
      node = child;
    }
    token_of_[node] = static_cast<int>(t);
    first_[static_cast<unsigned char>(tokens_[t].content[0])] = true;
    has_plain_ = has_plain_ || !tokens_[t].special;
  }
}

NVEMBED_INLINE const AddedToken* SpecialTokens::longest(std::string_view text, std::size_t at) const {
  int best = -1;
  std::uint32_t node = 0;
  for (; at < text.size(); ++at) {
    const auto* edge = edges_.find(node, static_cast<unsigned char>(text[at]));
    if (!edge) break;
    node = edge->first;
    if (token_of_[node] >= 0) best = token_of_[node];
  }
  return best < 0 ? nullptr : &tokens_[static_cast<std::size_t>(best)];
}

NVEMBED_INLINE bool SpecialTokens::Search::next(Found& found) {
  if (!tokens_->any(parse_special_)) return false;
  for (; at_ < text_.size(); ++at_) {
    if (!tokens_->first_[static_cast<unsigned char>(text_[at_])]) continue;
    const AddedToken* token = tokens_->longest(text_, at_);
    if (!token) continue;
    std::size_t begin = at_, end = at_ + token->content.size();
    const auto skip = [&] { at_ = end - 1; };  // the loop adds one
    if (token->special && !parse_special_) {
      skip();
      continue;
    }
    std::size_t side = 0;
    if (token->single_word) {
      std::size_t after = end;
      if ((begin > 0 && is_word(detail::previous_code_point(text_, begin, side))) ||
          (end < text_.size() && is_word(next_code_point(text_, after)))) {
        skip();
        continue;
      }
    }
    at_ = end;
    if (token->lstrip)
      while (begin > taken_ && is_space(detail::previous_code_point(text_, begin, side))) begin = side;
    if (token->rstrip)
      for (std::size_t after = end; end < text_.size() && is_space(next_code_point(text_, after));) end = after;
    taken_ = end;
    found = {begin, end, token->id};
    return true;
  }
  return false;
}

}  // namespace nvembed::text
