#pragma once

#include <array>
#include <cstdint>
#include <nvembed/core/backend.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/text/pair_table.hpp>
#include <nvembed/text/string_table.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nvembed::text {

/// A token of a word, and how many of the word's bytes are used up once it is made.
struct Symbol {
  TokenId id = 0;
  std::uint32_t end = 0;
};

/// What a BPE model is made of. Strings are borrowed until the Bpe is made.
struct BpeSpec {
  enum class Units : std::uint8_t {
    bytes,      ///< words are bytes; pieces are spelled in GPT-2's byte alphabet
    characters  ///< words and pieces are UTF-8
  };
  Units units = Units::characters;
  std::vector<std::pair<std::string_view, TokenId>> pieces{};
  /// Best first. A pair that stands twice has the later rank.
  std::vector<std::pair<std::string_view, std::string_view>> merges{};
  /// Instead of merges, for each of `pieces`: the pair whose joined piece has the highest score is merged first
  /// (sentencepiece, GGUF). Characters that are no piece are then dealt with after merging.
  std::vector<float> scores{};
  std::vector<bool> usable{};        ///< with scores: whether text may become that piece; empty: all
  std::optional<TokenId> unknown{};  ///< for characters without a piece; without it they are left out
  bool fuse_unknown = false;         ///< neighbouring unknown characters are one token
  bool byte_fallback = false;        ///< unknown characters become the pieces <0x00> to <0xFF>, where these are there
  bool ignore_merges = false;        ///< a word that is a piece is that piece, whatever the merges say
};

/// Byte-pair encoding of words: joins the neighbours with the best merge, leftmost on ties, until none is left;
/// n log n in the length of a word. Immutable, safe to share. Agrees with Hugging Face `tokenizers` (merges) and
/// sentencepiece (scores; pieces of type UNUSED are no stepping stones here).
class Bpe {
 public:
  Bpe() = default;
  /// Throws InputError naming the merge or piece for merges of unknown pieces, ids that are negative, given twice or
  /// far beyond the number of pieces, pieces that are not UTF-8 or take more than 8 MiB in all. Of pieces spelled the
  /// same the first counts.
  NVEMBED_INLINE explicit Bpe(const BpeSpec& spec);

  /// One past the largest id.
  Index size() const { return static_cast<Index>(entry_of_.size()); }
  /// The piece as the vocabulary spells it; empty for an unknown id.
  std::string_view text(TokenId id) const {
    const bool known = id >= 0 && id < size() && entry_of_[static_cast<std::size_t>(id)] != no_entry;
    return known ? texts_.text(entry_of_[static_cast<std::size_t>(id)]) : std::string_view();
  }
  std::optional<TokenId> find(std::string_view text) const {
    const TokenId id = texts_.find(text);
    return id < 0 ? std::nullopt : std::optional(id);
  }
  /// Whether words may be cut before every run of `piece`: the tokens are the same, because no piece has it after
  /// something else.
  NVEMBED_INLINE bool cuts_before(std::string_view piece) const;

  /// The token that the whole word becomes without merging step by step; -1 where that is not known.
  TokenId whole(std::string_view word) const {
    if (word.size() > longest_) return -1;
    const TokenId id = lookup().find(word);
    return id >= 0 && static_cast<std::size_t>(id) < whole_.size() && whole_[static_cast<std::size_t>(id)] ? id : -1;
  }
  /// The tokens of a word of valid UTF-8 into `out`.
  NVEMBED_INLINE void encode(std::string_view word, std::vector<Symbol>& out) const;

 private:
  static constexpr std::uint32_t no_entry = 0xFFFFFFFFu;

  NVEMBED_INLINE void add_pieces(const BpeSpec& spec);
  NVEMBED_INLINE void add_merges(const BpeSpec& spec);
  NVEMBED_INLINE void add_scores(const BpeSpec& spec);
  NVEMBED_INLINE void find_whole_words();
  NVEMBED_INLINE void split_units(std::string_view word, std::vector<Symbol>& out) const;
  NVEMBED_INLINE void merge(std::vector<Symbol>& symbols) const;
  NVEMBED_INLINE void merge_short(std::vector<Symbol>& symbols) const;
  NVEMBED_INLINE void merge_long(std::vector<Symbol>& symbols) const;
  NVEMBED_INLINE void replace_unknown(std::string_view word, std::vector<Symbol>& symbols) const;

  const detail::StringTable& lookup() const { return own_lookup_ ? lookup_ : texts_; }
  const detail::PairTable::Value* merge_of(TokenId left, TokenId right) const {
    return merges_.find(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
  }

  BpeSpec::Units units_ = BpeSpec::Units::characters;
  std::optional<TokenId> unknown_;
  bool fuse_unknown_ = false, byte_fallback_ = false, ignore_merges_ = false, scored_ = false;
  detail::StringTable texts_;   // pieces as they are spelled
  detail::StringTable lookup_;  // what words are made of, where that is another set: bytes, usable pieces
  bool own_lookup_ = false;
  std::vector<std::uint32_t> entry_of_;    // by id, into texts_
  detail::PairTable merges_;               // ids to rank and id
  std::vector<bool> whole_;                // by id: its own word merges into it
  std::size_t longest_ = 0;                // bytes of the longest piece
  std::array<TokenId, 256> unit_{};        // bytes, or ASCII characters, to ids; -1: none
  std::array<TokenId, 256> byte_piece_{};  // <0x00> to <0xFF>; -1: none
  TokenId first_unlisted_ = 0;             // with scores: ids from here on are characters that are no piece
  TokenId other_ = 0;                      // the last of them: characters in no piece at all
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/bpe.inl>
#endif
