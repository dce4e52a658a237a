#pragma once

#include <algorithm>
#include <unordered_map>

#include <nvembed/text/spm_bpe.hpp>

namespace nvembed::text {
namespace detail {
inline constexpr std::string_view spm_space = "\xE2\x96\x81";  // U+2581
}  // namespace detail

NVEMBED_INLINE SpmBpe::SpmBpe(SpmSpec spec)
    : bpe_(std::move(spec.bpe)),
      prefix_(spec.prefix),
      split_(spec.split),
      // Where no piece holds a "▁" behind another character, merging words apart gives the same tokens, sooner.
      split_free_(bpe_.splits_before(detail::spm_space)),
      fuse_unk_(spec.fuse_unk),
      space_(bpe_.find(detail::spm_space)),
      unk_(spec.unk),
      bos_(spec.bos),
      eos_(spec.eos),
      byte_fallback_(spec.byte_fallback),
      added_(std::move(spec.added)),
      vocab_size_(bpe_.size()) {
  for (std::size_t c = 0; c < ascii_.size(); ++c) ascii_[c] = bpe_.find(std::string(1, static_cast<char>(c))).value_or(-1);
  constexpr char hex[] = "0123456789ABCDEF";
  for (std::size_t b = 0; b < 256; ++b)
    byte_ids_[b] = bpe_.find(std::string("<0x") + hex[b >> 4] + hex[b & 15] + ">").value_or(-1);
  for (const AddedToken& t : added_.tokens()) vocab_size_ = std::max<Index>(vocab_size_, t.id + 1);
}

NVEMBED_INLINE std::string SpmBpe::token(TokenId id) const {
  for (const AddedToken& t : added_.tokens())
    if (t.id == id) return t.content;
  return id >= 0 && id < bpe_.size() ? bpe_.piece(id) : std::string();
}

NVEMBED_INLINE std::optional<TokenId> SpmBpe::find(std::string_view piece) const {
  for (const AddedToken& t : added_.tokens())
    if (t.content == piece) return t.id;
  return bpe_.find(piece);
}

/// The state of one call.
class SpmBpe::Run {
 public:
  Run(const SpmBpe& self, std::vector<TokenId>& out, const TokenizeOptions& options)
      : self_(self), out_(out), ends_(options.ends), first_(out.size()), limit_(options.limit) {}

  bool token(TokenId id, Index end) {
    out_.push_back(id);
    if (ends_) ends_->push_back(end);
    return static_cast<Index>(out_.size() - first_) <= limit_;
  }

  /// Text without added tokens, bytes [begin, end) of the whole.
  bool piece(std::string_view text, std::size_t begin, std::size_t end) {
    const bool spaced = text[begin] == ' ' || text.substr(begin, 3) == detail::spm_space;
    word_.clear();
    bool word_has_text = false;  // anything but "▁"
    if (wants_prefix(begin, spaced)) space(static_cast<Index>(begin), static_cast<Index>(begin));
    for (std::size_t at = begin; at < end;) {
      const bool is_space = text[at] == ' ' || text.substr(at, 3) == detail::spm_space;
      if (is_space && ((self_.split_ && !word_.empty()) || (self_.split_free_ && word_has_text))) {
        if (!flush()) return false;
        word_has_text = false;
      }
      const std::size_t n = sequence_length(text[at]);
      if (is_space)
        space(static_cast<Index>(at), static_cast<Index>(at + n));
      else
        character(text.substr(at, n), static_cast<Index>(at));
      word_has_text |= !is_space;
      at += n;
    }
    return flush();
  }

 private:
  bool wants_prefix(std::size_t begin, bool spaced) const {
    switch (self_.prefix_) {
      case SpmSpec::Prefix::never: return false;
      case SpmSpec::Prefix::always: return true;
      case SpmSpec::Prefix::always_unless_there: return !spaced;
      case SpmSpec::Prefix::first_unless_there: return begin == 0 && !spaced;
    }
    return false;
  }

  void space(Index begin, Index end) {
    if (self_.space_) word_.push_back({*self_.space_, begin, end});
    else unknown(detail::spm_space, begin, end);
  }

  void character(std::string_view c, Index begin) {
    const Index end = begin + static_cast<Index>(c.size());
    if (c.size() == 1) {
      const TokenId id = self_.ascii_[static_cast<unsigned char>(c[0])];
      if (id >= 0) return word_.push_back({id, begin, end});
    } else if (const auto id = self_.bpe_.find(c)) {
      return word_.push_back({*id, begin, end});
    }
    unknown(c, begin, end);
  }

  void unknown(std::string_view c, Index begin, Index end) {
    const bool bytes = self_.byte_fallback_ && std::all_of(c.begin(), c.end(), [&](char b) {
                         return self_.byte_ids_[static_cast<unsigned char>(b)] >= 0;
                       });
    if (bytes) {
      for (std::size_t i = 0; i < c.size(); ++i) {
        const Index at = std::min(end, begin + static_cast<Index>(i));
        word_.push_back({self_.byte_ids_[static_cast<unsigned char>(c[i])], at, std::min(end, at + 1)});
      }
    } else if (self_.unk_) {
      if (self_.fuse_unk_ && !word_.empty() && word_.back().id == *self_.unk_)
        word_.back().end = end;
      else
        word_.push_back({*self_.unk_, begin, end});
    }
  }

  bool flush() {
    self_.bpe_.merge(word_);
    for (const Symbol& s : word_)
      if (!token(s.id, s.end)) return false;
    word_.clear();
    return true;
  }

  const SpmBpe& self_;
  std::vector<TokenId>& out_;
  std::vector<Index>* ends_;
  std::size_t first_;
  Index limit_;
  std::vector<Symbol> word_;
};

NVEMBED_INLINE void SpmBpe::encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options) const {
  require_utf8(text);
  Run run(*this, out, options);
  added_.cut(
      text, options.parse_special, [&](std::size_t begin, std::size_t end) { return run.piece(text, begin, end); },
      [&](std::size_t, std::size_t end, TokenId id) { return run.token(id, static_cast<Index>(end)); });
}

}  // namespace nvembed::text
