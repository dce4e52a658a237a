#pragma once

#include <cstdint>
#include <nvembed/core/error.hpp>
#include <nvembed/loss/contrastive_targets.hpp>
#include <unordered_map>
#include <vector>

namespace nvembed::loss::detail {

/// What a passage is to a query. `right`: an answer that is not its positive, or the query itself.
enum class InfoNceRole : std::uint8_t { none, in_batch, hard, right };

/// The role of every passage for every query, as far as targets tell it: one byte a score.
class InfoNceRoles {
 public:
  /// n queries, m passages. Throws InputError where the targets do not fit them.
  InfoNceRoles(const ContrastiveTargets& targets, Index n, Index m, bool others_hard_negatives)
      : n_(n), m_(m), positive_(targets.positive), in_batch_(targets.in_batch) {
    check(targets);
    right_.assign(size(n * m), false);
    candidate_.assign(size(n * m), InfoNceRole::none);
    std::unordered_map<std::uint64_t, std::vector<Index>> queries, passages;
    for (Index i = 0; i < n && !targets.query_text.empty(); ++i) queries[targets.query_text[size(i)]].push_back(i);
    for (Index j = 0; j < m && !targets.passage_text.empty(); ++j) passages[targets.passage_text[size(j)]].push_back(j);
    const auto mark_text = [&](Index i, std::uint64_t text) {
      if (const auto same = passages.find(text); same != passages.end())
        for (const Index j : same->second) right_[place(i, j)] = true;
    };
    const auto mark_answer = [&](Index i, Index j) {
      right_[place(i, j)] = true;
      if (!targets.passage_text.empty()) mark_text(i, targets.passage_text[size(j)]);
    };
    const auto mark_answers = [&](Index i, Index of) {
      mark_answer(i, positive_[size(of)]);
      if (!targets.known_positives.empty())
        for (const Index j : targets.known_positives[size(of)]) mark_answer(i, j);
    };
    for (Index i = 0; i < n; ++i) {
      mark_answers(i, i);
      if (targets.query_text.empty()) continue;
      const std::uint64_t text = targets.query_text[size(i)];
      mark_text(i, text);
      for (const Index same : queries.at(text))
        if (same != i) mark_answers(i, same);
    }

    std::vector<Index> shared = positive_;
    if (others_hard_negatives)
      for (const auto& list : targets.negatives) shared.insert(shared.end(), list.begin(), list.end());
    for (Index i = 0; i < n; ++i) {
      if (in_batch(i))
        for (const Index j : shared) candidate_[place(i, j)] = InfoNceRole::in_batch;
      if (!targets.negatives.empty())
        for (const Index j : targets.negatives[size(i)]) candidate_[place(i, j)] = InfoNceRole::hard;
      candidate_[place(i, positive_[size(i)])] = InfoNceRole::none;
    }
  }

  bool in_batch(Index i) const { return in_batch_[size(i)]; }
  /// Where the score of query i and its positive stands among all scores.
  Index positive_at(Index i) const { return i * m_ + positive_[size(i)]; }

  /// visit(place, role) for every candidate of query i.
  template <class F>
  void passages_of(Index i, F&& visit) const {
    for (Index j = 0; j < m_; ++j) {
      const InfoNceRole role = candidate_[place(i, j)];
      if (role != InfoNceRole::none) visit(i * m_ + j, right_[place(i, j)] ? InfoNceRole::right : role);
    }
  }
  /// The same for the positive of query i, whose candidates are the other queries.
  template <class F>
  void queries_of(Index i, F&& visit) const {
    const Index j = positive_[size(i)];
    for (Index k = 0; k < n_; ++k)
      if (k != i) visit(k * m_ + j, right_[place(k, j)] ? InfoNceRole::right : InfoNceRole::in_batch);
  }

 private:
  static std::size_t size(Index i) { return static_cast<std::size_t>(i); }
  std::size_t place(Index i, Index j) const { return size(i * m_ + j); }

  void check(const ContrastiveTargets& t) const {
    require_entries(t.positive.size(), n_, "positive");
    require_entries(t.in_batch.size(), n_, "in_batch");
    for (Index i = 0; i < n_; ++i) require_row(t.positive[size(i)], i, "positive");
    check_lists(t.negatives, "negatives");
    check_lists(t.known_positives, "known_positives");
    if (!t.query_text.empty()) require_entries(t.query_text.size(), n_, "query_text");
    if (!t.passage_text.empty()) require_entries(t.passage_text.size(), m_, "passage_text");
    for (Index i = 0; i < n_ && !t.negatives.empty(); ++i)
      for (const Index j : t.negatives[size(i)])
        require<InputError>(j != t.positive[size(i)], "info_nce", "passage ", j, " is positive and negative of query ",
                            i);
  }
  void check_lists(const std::vector<std::vector<Index>>& lists, const char* what) const {
    if (lists.empty()) return;
    require_entries(lists.size(), n_, what);
    for (Index i = 0; i < n_; ++i)
      for (const Index j : lists[size(i)]) require_row(j, i, what);
  }
  static void require_entries(std::size_t found, Index expected, const char* what) {
    require<InputError>(static_cast<Index>(found) == expected, "info_nce", what, " has ", found, " entries, not ",
                        expected);
  }
  void require_row(Index j, Index i, const char* what) const {
    require<InputError>(j >= 0 && j < m_, "info_nce", what, " of query ", i, " is ", j, ", there are ", m_,
                        " passages");
  }

  Index n_, m_;
  std::vector<Index> positive_;
  std::vector<bool> in_batch_;
  std::vector<bool> right_;  // (n, m)
  std::vector<InfoNceRole> candidate_;
};

}  // namespace nvembed::loss::detail
