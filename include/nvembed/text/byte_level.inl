#pragma once

#include <algorithm>
#include <unordered_map>

#include <nvembed/text/byte_alphabet.hpp>
#include <nvembed/text/byte_level.hpp>

namespace nvembed::text {

NVEMBED_INLINE ByteLevel::ByteLevel(ByteLevelSpec spec)
    : bpe_(std::move(spec.bpe)),
      split_(spec.split),
      digits_(spec.digits),
      nfc_(spec.nfc),
      add_prefix_space_(spec.add_prefix_space),
      vocab_size_(bpe_.size()),
      bos_(spec.bos),
      eos_(spec.eos) {
  for (std::size_t b = 0; b < 256; ++b) byte_ids_[b] = bpe_.find(std::string(1, static_cast<char>(b))).value_or(-1);
  std::vector<AddedToken> raw, normalized;
  for (AddedToken& t : spec.added) {
    vocab_size_ = std::max<Index>(vocab_size_, t.id + 1);
    const bool after = nfc_ && t.normalized;
    if (after) t.content = nfc(t.content);
    (after ? normalized : raw).push_back(std::move(t));
  }
  raw_ = SpecialTokens(std::move(raw));
  normalized_ = SpecialTokens(std::move(normalized));
}

NVEMBED_INLINE std::string ByteLevel::token(TokenId id) const {
  for (const SpecialTokens* s : {&raw_, &normalized_})
    for (const AddedToken& t : s->tokens())
      if (t.id == id) return t.content;
  return id >= 0 && id < bpe_.size() ? to_alphabet(bpe_.piece(id)) : std::string();
}

NVEMBED_INLINE std::optional<TokenId> ByteLevel::find(std::string_view piece) const {
  for (const SpecialTokens* s : {&raw_, &normalized_})
    for (const AddedToken& t : s->tokens())
      if (t.content == piece) return t.id;
  const auto bytes = from_alphabet(piece);
  return bytes ? bpe_.find(*bytes) : std::nullopt;
}

/// The state of one call: where tokens go, when to stop, words already seen.
class ByteLevel::Run {
 public:
  Run(const ByteLevel& self, std::vector<TokenId>& out, const TokenizeOptions& options)
      : self_(self), out_(out), ends_(options.ends), first_(out.size()), limit_(options.limit) {}

  bool token(TokenId id, Index end) {
    out_.push_back(id);
    if (ends_) ends_->push_back(end);
    return !full();
  }

  /// Text without raw added tokens, at byte `offset` of the whole.
  bool piece(std::string_view text, Index offset) {
    if (!self_.nfc_) return normalized_piece(text, [&](std::size_t i) { return offset + static_cast<Index>(i); });
    std::vector<Index> source;
    const std::string normal = nfc(text, ends_ ? &source : nullptr);
    const auto where = [&](std::size_t i) { return ends_ ? offset + source[i] : Index{0}; };
    const bool go_on = self_.normalized_.cut(
        normal, parse_special,
        [&](std::size_t begin, std::size_t end) {
          return normalized_piece(std::string_view(normal).substr(begin, end - begin),
                                  [&](std::size_t i) { return where(begin + i); });
        },
        [&](std::size_t, std::size_t end, TokenId id) { return token(id, where(end)); });
    words_.clear();  // they point into `normal`
    return go_on;
  }

  bool parse_special = false;

 private:
  bool full() const { return static_cast<Index>(out_.size() - first_) > limit_; }

  template <class Where>
  bool normalized_piece(std::string_view text, Where&& where) {
    if (self_.add_prefix_space_ && text.front() != ' ') {
      const std::string spaced = ' ' + std::string(text);
      const bool go_on = words(spaced, [&](std::size_t i) { return where(i ? i - 1 : 0); });
      words_.clear();
      return go_on;
    }
    return words(text, where);
  }

  template <class Where>
  bool words(std::string_view text, Where&& where) {
    if (!self_.digits_) return split(text, 0, text.size(), where);
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t here = at;
      if (!is_number(next_code_point(text, at))) continue;
      if (!split(text, begin, here, where) || !split(text, here, at, where)) return false;
      begin = at;
    }
    return split(text, begin, text.size(), where);
  }

  template <class Where>
  bool split(std::string_view text, std::size_t begin, std::size_t end, Where&& where) {
    const std::string_view part = text.substr(0, end);  // a look-ahead stops at the end of the part
    while (begin < end) {
      const std::size_t n = word_length(self_.split_, part, begin);
      for (const Symbol& s : encode_word(part.substr(begin, n)))
        if (!token(s.id, where(begin + static_cast<std::size_t>(s.end)))) return false;
      begin += n;
    }
    return true;
  }

  const std::vector<Symbol>& encode_word(std::string_view word) {
    const bool remember = word.size() <= 32;
    if (remember) {
      const auto known = words_.find(word);
      if (known != words_.end()) return known->second;
    }
    std::vector<Symbol>& symbols = remember ? words_[word] : word_;
    symbols.clear();
    const Index size = static_cast<Index>(word.size());
    if (self_.bpe_.ignore_merges()) {
      if (const auto whole = self_.bpe_.find(word)) return symbols.push_back({*whole, 0, size}), symbols;
    }
    for (Index i = 0; i < size; ++i) {
      const TokenId id = self_.byte_ids_[static_cast<unsigned char>(word[static_cast<std::size_t>(i)])];
      if (id >= 0) symbols.push_back({id, i, i + 1});
    }
    self_.bpe_.merge(symbols);
    return symbols;
  }

  const ByteLevel& self_;
  std::vector<TokenId>& out_;
  std::vector<Index>* ends_;
  std::size_t first_;
  Index limit_;
  std::unordered_map<std::string_view, std::vector<Symbol>> words_;
  std::vector<Symbol> word_;
};

NVEMBED_INLINE void ByteLevel::encode(std::string_view text, std::vector<TokenId>& out, const TokenizeOptions& options) const {
  require_utf8(text);
  Run run(*this, out, options);
  run.parse_special = options.parse_special;
  raw_.cut(
      text, options.parse_special,
      [&](std::size_t begin, std::size_t end) { return run.piece(text.substr(begin, end - begin), static_cast<Index>(begin)); },
      [&](std::size_t, std::size_t end, TokenId id) { return run.token(id, static_cast<Index>(end)); });
}

}  // namespace nvembed::text
