#pragma once

#include <nvembed/text/bpe.hpp>
#include <nvembed/text/string_table.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nvembed::text::detail {

/// Tokens of words that came before in the same text. Bounded: it stops to learn at some size.
class WordCache {
 public:
  static constexpr std::size_t longest = 64, most = 1 << 14;

  /// Empty where the word is not known. Valid until the next `add`.
  std::span<const Symbol> find(std::string_view word) const {
    if (word.size() > longest) return {};
    const TokenId i = words_.find(word);
    if (i < 0) return {};
    const std::size_t begin = i ? ends_[static_cast<std::size_t>(i - 1)] : 0;
    return std::span(symbols_).subspan(begin, ends_[static_cast<std::size_t>(i)] - begin);
  }
  void add(std::string_view word, std::span<const Symbol> symbols) {
    if (word.size() > longest || ends_.size() >= most || !words_.insert(word, static_cast<TokenId>(ends_.size())))
      return;
    symbols_.insert(symbols_.end(), symbols.begin(), symbols.end());
    ends_.push_back(symbols_.size());
  }

 private:
  StringTable words_;
  std::vector<Symbol> symbols_;
  std::vector<std::size_t> ends_;  // of each word in symbols_
};

}  // namespace nvembed::text::detail
