#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/contrastive_targets.hpp>
#include <nvembed/loss/empty.hpp>
#include <nvembed/loss/info_nce_roles.hpp>
#include <nvembed/loss/log_sum_exp.hpp>
#include <nvembed/ops/matmul.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace nvembed::loss {

/// What a pass of InfoNce met, over its one or two directions.
struct InfoNceCounts {
  Index rows = 0;          ///< in the mean
  Index skipped = 0;       ///< without negatives, left out of it
  Index negatives = 0;     ///< of all rows in the mean
  Index masked_right = 0;  ///< candidates that are right: known, or of equal text
  Index masked_score = 0;  ///< candidates above the margin
};

/// InfoNCE (van den Oord et al., arXiv 1807.03748; with hard negatives as NV-Embed's relatives have it, arXiv
/// 2401.00368, equations 2 and 3), mean over queries i with their positive p and negatives N:
///   -log(exp(s_ip / t) / (exp(s_ip / t) + sum_{j in N} exp(s_ij / t))),   s = a b^T
/// Candidates are the query's own hard negatives and, where `in_batch` says so, the positives of all other queries.
/// Those that answer the query too are masked (`ContrastiveTargets`): a masked one is not in the sum, and gets no
/// gradient from it. A query that is left without negatives has no gradient; `empty` says what happens. Scores of all
/// queries with all passages are held, (n, m), and on the host in double.
struct InfoNce {
  using Targets = ContrastiveTargets;

  double temperature = 0.02;
  /// Hard negatives of other queries are in-batch negatives, too.
  bool others_hard_negatives = false;
  /// The mean of query -> passage and passage -> query: in the latter, row i is the positive of query i, whose
  /// negatives are all other queries that it does not answer. Queries with `in_batch` off have no row there.
  bool both_directions = false;
  /// Masks an in-batch negative whose score is above the positive's by more than this (0.1 in Qwen3 Embedding, arXiv
  /// 2506.05176), as it is likely to be right. May be negative: -0.05 masks from 0.05 below the positive on.
  std::optional<double> margin{};
  /// The margin counts for a query's own hard negatives, too. Mining has its own filter, so not by default.
  bool margin_on_hard_negatives = false;
  /// Queries (and, in the other direction, passages) without negatives. If all are, `skip` throws, too.
  Empty empty = Empty::error;
  /// Written in each forward pass, if not null.
  std::shared_ptr<InfoNceCounts> counts{};

  /// queries (n, d), passages (m, d) -> (1, 1). Throws InputError where targets name no row, or nothing can be
  /// compared.
  template <Context C, class Var>
  auto operator()(C& cx, const Var& queries, const Var& passages, const Targets& targets) const;
};

namespace detail {

/// The loss of scores (n, m).
struct InfoNceRows {
  static constexpr std::string_view name = "info_nce";
  static constexpr std::size_t inputs = 1;
  InfoNce loss;
  std::shared_ptr<const InfoNceRoles> roles;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[1], HostMatrix<W>* const (&dx)[1], bool first) const {
    InfoNceCounts counts;
    W value = direction(
        *x[0], dx[0], counts, [&](Index i) { return roles->positive_at(i); },
        [&](Index i, auto&& visit) { roles->passages_of(i, visit); }, "query ");
    if (loss.both_directions) {
      value += direction(
          *x[0], dx[0], counts, [&](Index i) { return roles->in_batch(i) ? roles->positive_at(i) : Index{-1}; },
          [&](Index i, auto&& visit) { roles->queries_of(i, visit); }, "positive of query ");
      value /= 2.0;
    }
    if (first && loss.counts) *loss.counts = counts;
    return value;
  }

 private:
  /// Mean over the rows of one direction. positive(i) is the place of row i's positive among the scores, or -1 where
  /// there is no such row; candidates(i, visit) calls visit(place, role).
  template <class W, class P, class N>
  W direction(const HostMatrix<W>& scores, HostMatrix<W>* gradient, InfoNceCounts& counts, const P& positive,
              const N& candidates, const char* what) const {
    const auto at = [&](Index place) { return scores.values[static_cast<std::size_t>(place)]; };
    struct Row {
      Index positive;
      std::vector<Index> negatives;
    };
    Index rows = 0, possible = 0;
    const auto row = [&](Index i, InfoNceCounts* count) {
      Row r{positive(i), {}};
      if (r.positive < 0) return r;
      const double ceiling = loss.margin ? real_part(at(r.positive)) + *loss.margin : 0;
      candidates(i, [&](Index place, InfoNceRole role) {
        const bool judged = loss.margin && (role == InfoNceRole::in_batch || loss.margin_on_hard_negatives);
        if (role == InfoNceRole::right) {
          if (count) ++count->masked_right;
        } else if (judged && real_part(at(place)) > ceiling) {
          if (count) ++count->masked_score;
        } else {
          r.negatives.push_back(place);
        }
      });
      return r;
    };
    for (Index i = 0; i < scores.rows; ++i) {
      const Row r = row(i, &counts);
      if (r.positive < 0) continue;
      ++possible;
      counts.negatives += static_cast<Index>(r.negatives.size());
      if (!r.negatives.empty())
        ++rows;
      else if (loss.empty == Empty::error)
        fail<InputError>(name, what, i, " has no negatives: none is named, or all are masked");
    }
    require<InputError>(rows > 0, name, "no ", what, possible ? "has a negative" : "has in-batch negatives");
    counts.rows += rows;
    counts.skipped += possible - rows;

    using std::exp;
    W sum(0);
    const double scale = 1 / loss.temperature;
    const double weight = scale / static_cast<double>(rows) / (loss.both_directions ? 2 : 1);
    std::vector<W> z;
    for (Index i = 0; i < scores.rows; ++i) {
      const Row r = row(i, nullptr);
      if (r.positive < 0 || r.negatives.empty()) continue;
      z.clear();
      for (const Index place : r.negatives) z.push_back((at(place) - at(r.positive)) * scale);
      const W value = log_one_plus_sum_exp(z);
      sum += value;
      if (!gradient) continue;
      W pull(0);  // 1 - the positive's probability, without its rounding
      for (std::size_t j = 0; j < z.size(); ++j) {
        const W p = exp(z[j] - value) * weight;
        gradient->values[static_cast<std::size_t>(r.negatives[j])] += p;
        pull += p;
      }
      gradient->values[static_cast<std::size_t>(r.positive)] -= pull;
    }
    return sum / static_cast<double>(rows);
  }
};

}  // namespace detail

template <Context C, class Var>
auto InfoNce::operator()(C& cx, const Var& queries, const Var& passages, const Targets& targets) const {
  require<InputError>(temperature > 0, "info_nce", "temperature ", temperature, " is not above 0");
  const auto scores = cx.apply(ops::Matmul{true, 1}, queries, passages);
  const auto& s = C::value(scores);
  const auto roles = std::make_shared<const detail::InfoNceRoles>(targets, s.rows(), s.cols(), others_hard_negatives);
  return cx.apply(HostOp<detail::InfoNceRows>{{*this, roles}}, scores);
}

}  // namespace nvembed::loss
