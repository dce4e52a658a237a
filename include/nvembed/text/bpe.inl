#pragma once

#include <algorithm>
#include <limits>
#include <numeric>

#include <nvembed/text/bpe.hpp>

namespace nvembed::text {

NVEMBED_INLINE Bpe::Bpe(BpeSpec spec) : pieces_(std::move(spec.pieces)), ignore_merges_(spec.ignore_merges) {
  require<InputError>(pieces_.size() <= (std::size_t{1} << 24), "tokenizer", pieces_.size(), " pieces are too many");
  ids_.reserve(pieces_.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i)
    if (!pieces_[i].empty()) {
      // A piece that stands twice keeps its first id; text never becomes the second.
      ids_.emplace(pieces_[i], static_cast<TokenId>(i));
    }
  if (!spec.scores.empty()) {
    merges_from_scores(spec);
    return;
  }
  merges_.reserve(spec.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const auto& [left, right] = spec.merges[rank];
    joined = left + right;
    const auto l = find(left), r = find(right), both = find(joined);
    require<InputError>(l && r && both, "tokenizer", "merge ", rank, " ('", left, "' and '", right,
                        "') names a piece that is not in the vocabulary");
    merges_.emplace(key(*l, *r), Merge{static_cast<std::uint32_t>(rank), *both});
  }
}

NVEMBED_INLINE void Bpe::merges_from_scores(const BpeSpec& spec) {
  require<InputError>(spec.scores.size() == pieces_.size(), "tokenizer", spec.scores.size(), " scores for ", pieces_.size(),
                      " pieces");
  // Equal scores share a rank: the leftmost pair goes first then, whichever piece it makes.
  std::vector<float> order(spec.scores);
  for (float& s : order)
    if (!(s == s)) s = -std::numeric_limits<float>::infinity();
  std::sort(order.begin(), order.end(), std::greater<>());
  order.erase(std::unique(order.begin(), order.end()), order.end());
  const auto usable = [&](TokenId id) { return spec.mergeable.empty() || spec.mergeable[static_cast<std::size_t>(id)]; };
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view whole = pieces_[i];
    if (whole.empty() || !usable(id) || find(whole) != id) continue;
    const auto rank = static_cast<std::uint32_t>(
        std::lower_bound(order.begin(), order.end(), spec.scores[i], std::greater<>()) - order.begin());
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      if ((static_cast<unsigned char>(whole[cut]) & 0xC0) == 0x80) continue;  // inside a character
      const auto l = find(whole.substr(0, cut)), r = find(whole.substr(cut));
      if (l && r && usable(*l) && usable(*r)) merges_.emplace(key(*l, *r), Merge{rank, id});
    }
  }
}

NVEMBED_INLINE bool Bpe::splits_before(std::string_view piece) const {
  for (const std::string& p : pieces_)
    for (std::size_t at = p.find(piece, 1); at != p.npos; at = p.find(piece, at + 1))
      if (at < piece.size() || std::string_view(p).substr(at - piece.size(), piece.size()) != piece) return false;
  return true;
}

NVEMBED_INLINE void Bpe::merge(std::vector<Symbol>& symbols) const {
  constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  const std::size_t n = symbols.size();
  if (n < 2) return;

  if (n <= 24) {  // short words, nearly all: the best pair by looking at them all
    std::uint32_t ranks[24];
    TokenId joined[24];
    const auto look = [&](std::size_t i) {
      ranks[i] = none;
      if (i + 1 >= symbols.size()) return;
      if (const Merge* m = find_merge(symbols[i].id, symbols[i + 1].id)) ranks[i] = m->rank, joined[i] = m->id;
    };
    for (std::size_t i = 0; i < n; ++i) look(i);
    for (;;) {
      const std::size_t size = symbols.size();
      std::size_t best = 0;
      for (std::size_t i = 1; i < size; ++i)
        if (ranks[i] < ranks[best]) best = i;
      if (ranks[best] == none) return;
      symbols[best] = {joined[best], symbols[best].begin, symbols[best + 1].end};
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      for (std::size_t i = best + 1; i + 1 < size; ++i) ranks[i] = ranks[i + 1], joined[i] = joined[i + 1];
      look(best);
      if (best > 0) look(best - 1);
      if (symbols.size() == 1) return;
    }
  }

  // Long ones: a heap of candidate pairs over a linked list; stale candidates are recognised by the ids they saw.
  struct Candidate {
    std::uint32_t rank, left, right;
    TokenId left_id, right_id;
    bool operator<(const Candidate& o) const { return rank != o.rank ? rank > o.rank : left > o.left; }
  };
  std::vector<std::uint32_t> previous(n), next(n);
  std::vector<bool> gone(n, false);
  for (std::size_t i = 0; i < n; ++i) {
    previous[i] = i ? static_cast<std::uint32_t>(i - 1) : none;
    next[i] = i + 1 < n ? static_cast<std::uint32_t>(i + 1) : none;
  }
  std::vector<Candidate> heap;
  heap.reserve(n);
  const auto offer = [&](std::uint32_t left, std::uint32_t right, bool push) {
    if (left == none || right == none) return;
    const Merge* m = find_merge(symbols[left].id, symbols[right].id);
    if (!m) return;
    heap.push_back({m->rank, left, right, symbols[left].id, symbols[right].id});
    if (push) std::push_heap(heap.begin(), heap.end());
  };
  for (std::uint32_t i = 0; i + 1 < n; ++i) offer(i, i + 1, false);
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate c = heap.back();
    heap.pop_back();
    if (gone[c.left] || gone[c.right] || next[c.left] != c.right || symbols[c.left].id != c.left_id ||
        symbols[c.right].id != c.right_id)
      continue;
    symbols[c.left] = {find_merge(c.left_id, c.right_id)->id, symbols[c.left].begin, symbols[c.right].end};
    gone[c.right] = true;
    next[c.left] = next[c.right];
    if (next[c.right] != none) previous[next[c.right]] = c.left;
    offer(previous[c.left], c.left, true);
    offer(c.left, next[c.left], true);
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (!gone[i]) symbols[kept++] = symbols[i];
  symbols.resize(kept);
}

}  // namespace nvembed::text
