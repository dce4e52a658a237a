#pragma once

#include <array>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/text/pair_table.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::text {

/// A token that is found in the text as it is, before anything is split or merged. Flags as in tokenizer.json.
struct AddedToken {
  std::string content{};
  TokenId id = 0;
  bool special = false;      ///< not found where special strings are read as plain text
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
  bool single_word = false;  ///< only where no word character is next to it
  bool normalized = false;   ///< found in the normalised text, not in the raw one
};

/// Finds added tokens in a text: the leftmost, of those that begin there the longest, as in `tokenizers`. A match that
/// its flags rule out (plain text wanted, part of a word) still hides what lies inside it. Immutable, safe to share.
class SpecialTokens {
 public:
  SpecialTokens() { first_.fill(false); }
  /// Flag `normalized` is up to the caller. Of tokens with one content the last counts; empty ones are never found.
  /// Throws InputError for one of more than 512 bytes, or more than 2 MiB of them.
  NVEMBED_INLINE explicit SpecialTokens(std::vector<AddedToken> tokens);

  /// Whether some text has a match.
  bool any(bool parse_special) const { return parse_special ? !tokens_.empty() : has_plain_; }
  const std::vector<AddedToken>& tokens() const { return tokens_; }

  struct Found {
    std::size_t begin = 0, end = 0;  ///< bytes, stripped white space included
    TokenId id = 0;
  };
  /// Goes through one text of valid UTF-8. Borrows both.
  class Search {
   public:
    Search(const SpecialTokens& tokens, std::string_view text, bool parse_special)
        : tokens_(&tokens), text_(text), parse_special_(parse_special) {}
    /// The next match, or false. Where a match takes white space in which the next one begins, the two overlap.
    NVEMBED_INLINE bool next(Found& found);

   private:
    const SpecialTokens* tokens_;
    std::string_view text_;
    bool parse_special_;
    std::size_t at_ = 0, taken_ = 0;
  };

 private:
  /// The longest token that begins at `at`; nullptr for none.
  NVEMBED_INLINE const AddedToken* longest(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;
  detail::PairTable edges_;      // node, byte to node: a trie, root 0
  std::vector<int> token_of_;    // by node; -1: none
  std::array<bool, 256> first_;  // bytes that a token begins with
  bool has_plain_ = false;
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/special_tokens.inl>
#endif
