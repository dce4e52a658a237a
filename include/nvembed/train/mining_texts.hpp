#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/any_records.hpp>
#include <nvembed/train/distinct_texts.hpp>
#include <optional>
#include <span>
#include <vector>

namespace nvembed::train {

/// Who is nobody's negative, beside what a record says itself.
struct MiningTextsOptions {
  /// A positive's positive is the query: for tasks where query and passage are of one kind.
  bool symmetric = false;
  /// So is whoever can be reached from positive to positive: for groups of paraphrases that records show in part.
  bool transitive = false;
  /// Records keep their own negatives, in front of the mined ones, which are others.
  bool keep_negatives = false;
};

/// Queries and passages of records as mining sees them: each text once, by number, with what is known of their
/// relations. Texts are compared whole, to the byte. Vectors of a teacher stand in this order:
///
/// * queries: the records' queries, in the order in which they first come;
/// * passages: the records' positives and negatives, record by record, in that order. Where candidates come from a
///   corpus, its texts, then the records' positives that are not among them.
///
/// Passages [0, candidates()) may become negatives; those behind them are there to be scored.
class MiningTexts {
 public:
  /// Candidates are the records' own positives and negatives.
  NVEMBED_INLINE explicit MiningTexts(const AnyRecords& records, const MiningTextsOptions& options = {});
  /// Candidates are the texts of a corpus. Throws InputError where there are none.
  NVEMBED_INLINE MiningTexts(const AnyRecords& records, DistinctTexts corpus, const MiningTextsOptions& options = {});

  const DistinctTexts& queries() const { return queries_; }
  const DistinctTexts& passages() const { return passages_; }
  Index candidates() const { return candidates_; }
  const MiningTextsOptions& options() const { return options_; }

  /// Passages that answer the query, of all records that ask it, ascending.
  std::span<const Index> positives(Index query) const { return of(query).positives; }

  /// How a candidate stands to a query. A positive may equal the query (SimCSE): it counts as a positive.
  enum class Relation : std::uint8_t { free, known_positive, equal_to_query, own_negative };
  /// Anything but `free` is no negative to be mined. Any number of threads may ask.
  NVEMBED_INLINE Relation relation(Index query, Index passage) const;
  /// How many candidates stand in that relation to the query; not for `free`.
  NVEMBED_INLINE Index count(Index query, Relation relation) const;

 private:
  struct Query {
    std::vector<Index> positives, known, own;  // passages, ascending; `own` only where they are kept
    Index equal = -1;                          // the passage that has the query's text
    Index group = -1;
  };

  const Query& of(Index query) const { return relations_[static_cast<std::size_t>(query)]; }
  NVEMBED_INLINE void read(const AnyRecords& records, bool corpus);
  NVEMBED_INLINE void find_groups();

  MiningTextsOptions options_;
  DistinctTexts queries_, passages_;
  Index candidates_ = 0;
  std::vector<Query> relations_;
  std::vector<Index> groups_;       // of passages; empty where relations are not transitive
  std::vector<Index> group_sizes_;  // candidates in a group
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/mining_texts.inl>
#endif
