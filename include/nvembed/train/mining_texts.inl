#pragma once

#include <algorithm>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <nvembed/train/mining_texts.hpp>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE MiningTexts::MiningTexts(const AnyRecords& records, const MiningTextsOptions& options)
    : options_(options) {
  read(records, false);
}

NVEMBED_INLINE MiningTexts::MiningTexts(const AnyRecords& records, DistinctTexts corpus,
                                        const MiningTextsOptions& options)
    : options_(options), passages_(std::move(corpus)), candidates_(passages_.size()) {
  require<InputError>(candidates_ > 0, "mining", "the corpus has no texts");
  read(records, true);
}

NVEMBED_INLINE void MiningTexts::read(const AnyRecords& records, bool corpus) {
  for (Index i = 0; i < records.size(); ++i) {
    const Record r = records.at(i);
    const auto query = static_cast<std::size_t>(queries_.add(r.query));
    if (query == relations_.size()) relations_.emplace_back();
    Query& q = relations_[query];
    for (const std::string& text : r.positives) q.positives.push_back(passages_.add(text));
    for (const std::string& text : r.negatives) {
      // Beside a corpus, negatives are passages only where it has them.
      const std::optional<Index> number = corpus ? passages_.find(text) : passages_.add(text);
      if (number && options_.keep_negatives) q.own.push_back(*number);
    }
  }
  if (!corpus) candidates_ = passages_.size();
  const auto distinct = [](std::vector<Index>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  };
  for (Index i = 0; i < queries_.size(); ++i) {
    Query& q = relations_[static_cast<std::size_t>(i)];
    distinct(q.positives);
    q.known.insert(q.known.end(), q.positives.begin(), q.positives.end());
    if (const auto equal = passages_.find(queries_[i])) q.equal = *equal;
    if (options_.symmetric && q.equal >= 0)
      for (const Index p : q.positives)
        if (const auto other = queries_.find(passages_[p]))
          relations_[static_cast<std::size_t>(*other)].known.push_back(q.equal);
  }
  for (Query& q : relations_) {
    distinct(q.known);
    distinct(q.own);
    // What is a positive of one record and a negative of another is taken for a positive.
    std::erase_if(q.own, [&](Index p) { return std::binary_search(q.known.begin(), q.known.end(), p); });
  }
  if (options_.transitive) find_groups();
}

/// Joins every query with its positives, and texts that are both query and passage (disjoint sets by their smallest
/// member).
NVEMBED_INLINE void MiningTexts::find_groups() {
  const Index passages = passages_.size();
  std::vector<Index> parents(static_cast<std::size_t>(passages + queries_.size()));
  std::iota(parents.begin(), parents.end(), Index{0});
  const auto parent = [&](Index x) -> Index& { return parents[static_cast<std::size_t>(x)]; };
  const auto root = [&](Index x) {
    while (parent(x) != x) x = parent(x) = parent(parent(x));
    return x;
  };
  const auto join = [&](Index a, Index b) {
    a = root(a), b = root(b);
    parent(std::max(a, b)) = std::min(a, b);
  };
  for (Index i = 0; i < queries_.size(); ++i) {
    const Query& q = of(i);
    for (const Index p : q.known) join(passages + i, p);
    if (q.equal >= 0) join(passages + i, q.equal);
  }
  groups_.resize(static_cast<std::size_t>(passages));
  group_sizes_.resize(parents.size());
  for (Index p = 0; p < passages; ++p) {
    groups_[static_cast<std::size_t>(p)] = root(p);
    if (p < candidates_) ++group_sizes_[static_cast<std::size_t>(root(p))];
  }
  for (Index i = 0; i < queries_.size(); ++i) relations_[static_cast<std::size_t>(i)].group = root(passages + i);
}

NVEMBED_INLINE MiningTexts::Relation MiningTexts::relation(Index query, Index passage) const {
  const Query& q = of(query);
  if (std::binary_search(q.known.begin(), q.known.end(), passage)) return Relation::known_positive;
  if (passage == q.equal) return Relation::equal_to_query;
  if (!groups_.empty() && groups_[static_cast<std::size_t>(passage)] == q.group) return Relation::known_positive;
  if (std::binary_search(q.own.begin(), q.own.end(), passage)) return Relation::own_negative;
  return Relation::free;
}

NVEMBED_INLINE Index MiningTexts::count(Index query, Relation relation) const {
  const Query& q = of(query);
  const auto candidates_of = [&](const std::vector<Index>& numbers) {
    return std::lower_bound(numbers.begin(), numbers.end(), candidates_) - numbers.begin();
  };
  const bool equal =
      q.equal >= 0 && q.equal < candidates_ && this->relation(query, q.equal) == Relation::equal_to_query;
  switch (relation) {
    case Relation::known_positive:
      return groups_.empty() ? candidates_of(q.known)
                             : group_sizes_[static_cast<std::size_t>(q.group)] - (equal ? 1 : 0);
    case Relation::equal_to_query:
      return equal ? 1 : 0;
    case Relation::own_negative:
      if (groups_.empty()) return candidates_of(q.own);
      return std::count_if(q.own.begin(), q.own.end(), [&](Index p) {
        return p < candidates_ && this->relation(query, p) == Relation::own_negative;
      });
    case Relation::free:
      break;
  }
  return 0;
}

}  // namespace nvembed::train
