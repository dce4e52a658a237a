#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <nvembed/text/bpe.hpp>
#include <nvembed/text/byte_alphabet.hpp>
#include <nvembed/text/shown.hpp>
#include <nvembed/text/unicode.hpp>

namespace nvembed::text {

NVEMBED_INLINE Bpe::Bpe(const BpeSpec& spec)
    : units_(spec.units),
      unknown_(spec.unknown),
      fuse_unknown_(spec.fuse_unknown),
      byte_fallback_(spec.byte_fallback),
      ignore_merges_(spec.ignore_merges),
      scored_(!spec.scores.empty()) {
  add_pieces(spec);
  if (scored_)
    add_scores(spec);
  else
    add_merges(spec);

  unit_.fill(-1);
  byte_piece_.fill(-1);
  const int units = units_ == BpeSpec::Units::bytes ? 256 : 128;
  for (int b = 0; b < units; ++b) {
    const char c = static_cast<char>(static_cast<unsigned char>(b));
    unit_[static_cast<std::size_t>(b)] = lookup().find({&c, 1});
  }
  constexpr char digits[] = "0123456789ABCDEF";
  for (std::size_t b = 0; b < 256; ++b) {
    const char spelled[] = {'<', '0', 'x', digits[b >> 4], digits[b & 15], '>'};
    byte_piece_[b] = texts_.find({spelled, sizeof spelled});
  }
  find_whole_words();
}

NVEMBED_INLINE void Bpe::add_pieces(const BpeSpec& spec) {
  const std::size_t n = spec.pieces.size();
  std::size_t bytes = 0;
  own_lookup_ = scored_ || units_ == BpeSpec::Units::bytes;
  texts_.reserve(n);
  if (own_lookup_) lookup_.reserve(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto [text, id] = spec.pieces[i];
    require<InputError>(id >= 0, "tokenizer", "piece '", detail::shown(text), "' has the id ", id);
    // Real vocabularies are nearly dense; a table by id must not be sized by a number that a broken file states.
    require<InputError>(static_cast<std::size_t>(id) < 2 * n + 65536, "tokenizer", "piece '", detail::shown(text),
                        "' has the id ", id, ", but there are only ", n, " pieces");
    require<InputError>(find_invalid_utf8(text) == text.npos, "tokenizer", "piece ", id, " is not valid UTF-8");
    if (static_cast<std::size_t>(id) >= entry_of_.size()) entry_of_.resize(static_cast<std::size_t>(id) + 1, no_entry);
    std::uint32_t& entry = entry_of_[static_cast<std::size_t>(id)];
    require<InputError>(entry == no_entry, "tokenizer", "the id ", id, " is given to two pieces, the second '",
                        detail::shown(text), "'");
    if (!texts_.insert(text, id)) continue;
    // Every piece is merged once to see what becomes of it; four times what a quarter million pieces take.
    require<InputError>((bytes += text.size()) <= std::size_t{1} << 23, "tokenizer",
                        "the pieces of the vocabulary take more than 8 MiB");
    entry = static_cast<std::uint32_t>(texts_.size() - 1);
    longest_ = std::max(longest_, text.size());
    if (scored_) {
      if (spec.usable.empty() || spec.usable[i]) lookup_.insert(text, id);
    } else if (units_ == BpeSpec::Units::bytes) {
      if (const auto bytes = spelled_bytes(text)) lookup_.insert(*bytes, id);
    }
  }
}

NVEMBED_INLINE void Bpe::add_merges(const BpeSpec& spec) {
  merges_.reserve(spec.merges.size());
  require<InputError>(spec.merges.size() < no_entry, "tokenizer", spec.merges.size(), " merges are too many");
  std::string joined;
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const auto [left, right] = spec.merges[rank];
    joined.assign(left).append(right);
    const TokenId l = texts_.find(left), r = texts_.find(right), both = texts_.find(joined);
    require<InputError>(l >= 0 && r >= 0 && both >= 0, "tokenizer", "merge ", rank, " names the piece '",
                        detail::shown(l < 0   ? left
                                      : r < 0 ? right
                                              : joined),
                        "', which is not in the vocabulary");
    merges_.set(static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(r),
                {static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(both)});
  }
}

NVEMBED_INLINE void Bpe::add_scores(const BpeSpec& spec) {
  const std::size_t n = spec.pieces.size();
  require<InputError>(spec.scores.size() == n && (spec.usable.empty() || spec.usable.size() == n), "tokenizer",
                      spec.scores.size(), " scores for ", n, " pieces");
  require<InputError>(longest_ <= 1024, "tokenizer", "a piece of ", longest_, " bytes is too long");  // cut everywhere
  // Equal scores share a rank: the leftmost pair goes first then, whichever piece it makes.
  std::vector<float> order;
  for (float s : spec.scores) {
    require<InputError>(s == s, "tokenizer", "a score is not a number");
    order.push_back(s);
  }
  std::sort(order.begin(), order.end(), std::greater<>());
  order.erase(std::unique(order.begin(), order.end()), order.end());

  // A piece may hold characters that are no piece on their own: they get ids behind all others, to be merged like them.
  first_unlisted_ = static_cast<TokenId>(size());
  other_ = first_unlisted_;
  for (const auto& [text, id] : spec.pieces)
    if (lookup_.find(text) == id)
      for (std::size_t at = 0, size; at < text.size(); at += size) {
        size = sequence_length(text[at]);
        if (lookup_.insert(text.substr(at, size), other_)) ++other_;
      }
  for (std::size_t i = 0; i < n; ++i) {
    const auto [text, id] = spec.pieces[i];
    if (text.empty() || lookup_.find(text) != id) continue;
    const auto rank = static_cast<std::uint32_t>(
        std::lower_bound(order.begin(), order.end(), spec.scores[i], std::greater<>()) - order.begin());
    for (std::size_t cut = sequence_length(text.front()); cut < text.size(); cut += sequence_length(text[cut])) {
      const TokenId l = lookup_.find(text.substr(0, cut)), r = lookup_.find(text.substr(cut));
      if (l >= 0 && r >= 0)
        merges_.set(static_cast<std::uint32_t>(l), static_cast<std::uint32_t>(r),
                    {rank, static_cast<std::uint32_t>(id)});
    }
  }
}

NVEMBED_INLINE void Bpe::find_whole_words() {
  whole_.assign(entry_of_.size(), false);
  std::vector<Symbol> symbols;
  for (std::size_t e = 0; e < lookup().size(); ++e) {
    const auto id = static_cast<std::size_t>(lookup().id(e));
    if (id >= whole_.size()) continue;
    if (!ignore_merges_) {
      split_units(lookup().text(e), symbols);
      merge(symbols);
    }
    whole_[id] = ignore_merges_ || (symbols.size() == 1 && static_cast<std::size_t>(symbols[0].id) == id);
  }
}

NVEMBED_INLINE bool Bpe::cuts_before(std::string_view piece) const {
  if (ignore_merges_ || lookup().find(piece) < 0) return false;
  for (std::size_t e = 0; e < texts_.size(); ++e) {
    const std::string_view p = texts_.text(e);
    for (std::size_t at = p.find(piece, 1); at != p.npos; at = p.find(piece, at + 1))
      if (at < piece.size() || p.substr(at - piece.size(), piece.size()) != piece) return false;
  }
  return true;
}

NVEMBED_INLINE void Bpe::encode(std::string_view word, std::vector<Symbol>& out) const {
  require<InputError>(word.size() < no_entry, "tokenize", "a word of ", word.size(),
                      " bytes is too long; cut the text");
  out.clear();
  if (const TokenId id = whole(word); id >= 0) {
    out.push_back({id, static_cast<std::uint32_t>(word.size())});
    return;
  }
  split_units(word, out);
  merge(out);
  if (scored_) replace_unknown(word, out);
}

NVEMBED_INLINE void Bpe::split_units(std::string_view word, std::vector<Symbol>& out) const {
  out.clear();
  out.reserve(word.size());
  const bool bytes = units_ == BpeSpec::Units::bytes;
  // As in `tokenizers`, an unknown token waits for the next known character; bytes of a fallback overtake it.
  std::optional<Symbol> waiting;
  std::vector<TokenId> fallback;
  for (std::size_t at = 0; at < word.size();) {
    const auto lead = static_cast<unsigned char>(word[at]);
    const std::size_t size = bytes ? 1 : sequence_length(word[at]);
    const std::string_view unit = word.substr(at, size);
    const TokenId id = bytes || lead < 0x80 ? unit_[lead] : lookup().find(unit);
    const auto end = static_cast<std::uint32_t>(at + size);
    at += size;
    if (id >= 0) {
      if (waiting) out.push_back(*waiting);
      waiting.reset();
      out.push_back({id, end});
      continue;
    }
    if (scored_) {
      out.push_back({other_, end});
      continue;
    }
    if (byte_fallback_) {
      fallback.clear();
      for (char b : bytes ? byte_letter(lead) : std::string(unit))
        fallback.push_back(byte_piece_[static_cast<unsigned char>(b)]);
      if (std::find(fallback.begin(), fallback.end(), -1) == fallback.end()) {
        const auto first = bytes ? end : static_cast<std::uint32_t>(end - size + 1);
        for (std::size_t i = 0; i < fallback.size(); ++i)
          out.push_back({fallback[i], bytes ? end : static_cast<std::uint32_t>(first + i)});
        continue;
      }
    }
    if (!unknown_) continue;
    if (waiting && !fuse_unknown_) out.push_back(*waiting);
    waiting = Symbol{*unknown_, end};
  }
  if (waiting) out.push_back(*waiting);
}

NVEMBED_INLINE void Bpe::merge(std::vector<Symbol>& symbols) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= 24)
    merge_short(symbols);
  else
    merge_long(symbols);
}

/// The best pair by looking at them all.
NVEMBED_INLINE void Bpe::merge_short(std::vector<Symbol>& symbols) const {
  constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t ranks[24], joined[24];
  Symbol s[24];
  std::size_t n = symbols.size();
  std::copy(symbols.begin(), symbols.end(), s);
  const auto look = [&](std::size_t i) {
    ranks[i] = none;
    if (i + 1 >= n) return;
    if (const auto* m = merge_of(s[i].id, s[i + 1].id)) ranks[i] = m->first, joined[i] = m->second;
  };
  for (std::size_t i = 0; i < n; ++i) look(i);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i)
      if (ranks[i] < ranks[best]) best = i;
    if (ranks[best] == none) break;
    s[best] = {static_cast<TokenId>(joined[best]), s[best + 1].end};
    --n;
    for (std::size_t i = best + 1; i < n; ++i) s[i] = s[i + 1], ranks[i] = ranks[i + 1], joined[i] = joined[i + 1];
    look(best);
    if (best > 0) look(best - 1);
  }
  symbols.assign(s, s + n);
}

/// A heap of candidate pairs over a linked list: rank, then place, the smallest first. One is stale where the pair at
/// its place has another rank by now; a pair of the same rank there is as good a candidate.
NVEMBED_INLINE void Bpe::merge_long(std::vector<Symbol>& symbols) const {
  constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  const std::size_t n = symbols.size();
  std::vector<std::uint32_t> previous(n), next(n);
  for (std::size_t i = 0; i < n; ++i) {
    previous[i] = i ? static_cast<std::uint32_t>(i - 1) : none;
    next[i] = i + 1 < n ? static_cast<std::uint32_t>(i + 1) : none;
  }
  std::vector<std::uint64_t> heap;
  heap.reserve(n);  // long words are all one pair, as a rule
  const auto offer = [&](std::uint32_t at) {
    const auto* m = merge_of(symbols[at].id, symbols[next[at]].id);
    if (m) heap.push_back(static_cast<std::uint64_t>(m->first) << 32 | at);
    return m != nullptr;
  };
  const auto push = [&](std::uint32_t at) {
    if (at != none && next[at] != none && offer(at)) std::push_heap(heap.begin(), heap.end(), std::greater());
  };
  for (std::uint32_t i = 0; i + 1 < n; ++i) offer(i);
  std::make_heap(heap.begin(), heap.end(), std::greater());
  constexpr TokenId gone = -1;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater());
    const std::uint64_t order = heap.back();
    heap.pop_back();
    const auto at = static_cast<std::uint32_t>(order);
    const std::uint32_t after = next[at];
    if (symbols[at].id == gone || after == none) continue;
    const auto* m = merge_of(symbols[at].id, symbols[after].id);
    if (!m || m->first != order >> 32) continue;
    symbols[at] = {static_cast<TokenId>(m->second), symbols[after].end};
    symbols[after].id = gone;
    next[at] = next[after];
    if (next[at] != none) previous[next[at]] = at;
    push(previous[at]);
    push(at);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (symbols[i].id != gone) symbols[kept++] = symbols[i];
  symbols.resize(kept);
}

/// Characters that merging has left over and that are no piece: bytes, or the unknown token, one for neighbours.
NVEMBED_INLINE void Bpe::replace_unknown(std::string_view word, std::vector<Symbol>& symbols) const {
  const auto unlisted = [&](const Symbol& s) { return s.id >= first_unlisted_; };
  if (std::none_of(symbols.begin(), symbols.end(), unlisted)) return;
  std::vector<Symbol> out;
  out.reserve(symbols.size());
  std::uint32_t begin = 0;
  bool after_unknown = false;
  for (const Symbol& s : symbols) {
    bool bytes = byte_fallback_ && unlisted(s);
    for (std::uint32_t i = begin; bytes && i < s.end; ++i)
      bytes = byte_piece_[static_cast<unsigned char>(word[i])] >= 0;
    if (!unlisted(s)) {
      out.push_back(s);
    } else if (bytes) {
      for (std::uint32_t i = begin; i < s.end; ++i)
        out.push_back({byte_piece_[static_cast<unsigned char>(word[i])], i + 1});
    } else if (after_unknown && fuse_unknown_) {
      out.back().end = s.end;
    } else if (unknown_) {
      out.push_back({*unknown_, s.end});
    }
    after_unknown = unlisted(s) && !bytes && unknown_;
    begin = s.end;
  }
  symbols.swap(out);
}

}  // namespace nvembed::text
