#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nvembed/core/backend.hpp>
#include <nvembed/core/config.hpp>

namespace nvembed::text {

/// A piece of text on its way to tokens: an id and the stretch of source bytes it covers.
struct Symbol {
  TokenId id = 0;
  Index begin = 0, end = 0;
};

/// What a BPE model is made of, filled by whoever reads the file.
struct BpeSpec {
  std::vector<std::string> pieces;  ///< by id; byte-level pieces as raw bytes; empty: no such id
  std::vector<std::pair<std::string, std::string>> merges;  ///< best first; or
  std::vector<float> scores;        ///< by id: merges follow from the scores of the joined pieces, highest first
  std::vector<bool> mergeable;      ///< with scores: pieces that text may become; empty: all
  bool ignore_merges = false;       ///< a word that is a piece is that piece, whatever the merges say
};

/// Byte-pair encoding over ids: joins the neighbours with the best merge, leftmost on ties, until none is left.
/// n log n in the length of a word. Immutable, safe to share.
class Bpe {
 public:
  Bpe() = default;
  /// Throws InputError naming merge or piece where a merge names an unknown piece or a piece stands twice.
  NVEMBED_INLINE explicit Bpe(BpeSpec spec);

  Index size() const { return static_cast<Index>(pieces_.size()); }
  const std::string& piece(TokenId id) const { return pieces_[static_cast<std::size_t>(id)]; }
  std::optional<TokenId> find(std::string_view piece) const {
    const auto at = ids_.find(piece);
    if (at == ids_.end()) return std::nullopt;
    return at->second;
  }
  bool ignore_merges() const { return ignore_merges_; }
  /// Whether no merge ever joins something that ends in another character to something that begins with `piece`: text
  /// may then be cut before `piece`.
  NVEMBED_INLINE bool splits_before(std::string_view piece) const;

  /// Merges `symbols` in place.
  NVEMBED_INLINE void merge(std::vector<Symbol>& symbols) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Merge {
    std::uint32_t rank;
    TokenId id;
  };
  static std::uint64_t key(TokenId left, TokenId right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
  }
  void merges_from_scores(const BpeSpec& spec);
  const Merge* find_merge(TokenId left, TokenId right) const {
    const auto at = merges_.find(key(left, right));
    return at == merges_.end() ? nullptr : &at->second;
  }

  std::vector<std::string> pieces_;
  std::unordered_map<std::string, TokenId, Hash, std::equal_to<>> ids_;
  std::unordered_map<std::uint64_t, Merge> merges_;
  bool ignore_merges_ = false;
};

}  // namespace nvembed::text

#if !defined(NVEMBED_COMPILED)
#include <nvembed/text/bpe.inl>
#endif
