#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nvembed/core/backend.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/text/unicode.hpp>

namespace nvembed::text {

/// A string that is one token whatever the merges say (the `added_tokens` of a tokenizer.json).
struct AddedToken {
  std::string content;
  TokenId id = 0;
  bool special = true;       ///< control token: plain text unless special strings are parsed; others are always found
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< and after it
  bool single_word = false;  ///< only where no word character touches it
  bool normalized = false;   ///< looked for in the normalised text
};

/// Finds added tokens in a text: leftmost first, the longest of those that begin at one place.
class SpecialTokens {
 public:
  SpecialTokens() = default;
  NVEMBED_INLINE explicit SpecialTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }
  const std::vector<AddedToken>& tokens() const { return tokens_; }

  /// Cuts `text`: calls piece(begin, end) for text between tokens (never empty) and token(begin, end, id) for tokens, in
  /// order. Either may return false to stop.
  template <class Piece, class Found>
  bool cut(std::string_view text, bool parse_special, Piece&& piece, Found&& found) const {
    std::size_t done = 0, at = 0;
    while (at < text.size()) {
      const AddedToken* t = match(text, at, parse_special);
      if (!t) {
        ++at;
        continue;
      }
      std::size_t begin = at, end = at + t->content.size();
      at = end;
      if (t->single_word && !stands_alone(text, begin, end)) continue;
      if (t->lstrip) begin = std::max(done, space_before(text, begin));
      if (t->rstrip) end = space_after(text, end);
      if (begin > done && !piece(done, begin)) return false;
      if (!found(begin, end, t->id)) return false;
      done = end;
      at = std::max(at, end);
    }
    return done == text.size() || piece(done, text.size());
  }

 private:
  NVEMBED_INLINE const AddedToken* match(std::string_view text, std::size_t at, bool parse_special) const;
  NVEMBED_INLINE static bool stands_alone(std::string_view text, std::size_t begin, std::size_t end);
  NVEMBED_INLINE static std::size_t space_before(std::string_view text, std::size_t begin);
  NVEMBED_INLINE static std::size_t space_after(std::string_view text, std::size_t end);

  std::vector<AddedToken> tokens_;                         // by first byte, longest first
  std::array<std::pair<std::uint32_t, std::uint32_t>, 256> range_{};  // in tokens_, of each first byte
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/special_tokens.inl>
#endif
