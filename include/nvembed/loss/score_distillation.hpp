#pragma once

#include <cmath>
#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/loss/log_sum_exp.hpp>
#include <nvembed/loss/teacher_scores.hpp>
#include <nvembed/ops/matmul.hpp>
#include <string_view>
#include <vector>

namespace nvembed::loss {

namespace detail {
/// log softmax
template <class W>
std::vector<W> log_probabilities(const std::vector<W>& z) {
  std::vector<W> others;
  for (std::size_t j = 1; j < z.size(); ++j) others.push_back(z[j] - z[0]);
  const W all = z[0] + log_one_plus_sum_exp(others);
  std::vector<W> p;
  for (const W& x : z) p.push_back(x - all);
  return p;
}

/// The loss of scores (n, m).
struct ScoreDistillationRows {
  static constexpr std::string_view name = "score_distillation";
  static constexpr std::size_t inputs = 1;
  double temperature, teacher_temperature;
  std::shared_ptr<const TeacherScores> targets;

  template <class W>
  W operator()(const HostMatrix<W>* const (&x)[1], HostMatrix<W>* const (&dx)[1], bool) const {
    const double n = static_cast<double>(x[0]->rows);
    using std::exp;
    W sum(0);
    for (Index i = 0; i < x[0]->rows; ++i) {
      const std::vector<Index>& candidates = targets->candidates[static_cast<std::size_t>(i)];
      std::vector<double> t;
      std::vector<W> s;
      for (std::size_t c = 0; c < candidates.size(); ++c) {
        t.push_back(targets->scores[static_cast<std::size_t>(i)][c] / teacher_temperature);
        s.push_back((*x[0])(i, candidates[c]) / temperature);
      }
      t = log_probabilities(t);
      s = log_probabilities(s);
      for (std::size_t c = 0; c < candidates.size(); ++c) {
        const double p = std::exp(t[c]);
        sum += p * (t[c] - s[c]);
        if (dx[0]) (*dx[0])(i, candidates[c]) += (exp(s[c]) - p) / (n * temperature);
      }
    }
    return sum / n;
  }
};
}  // namespace detail

/// Mean over queries of KL(p || q), p the softmax of a teacher's scores (a cross-encoder's, say) and q that of the
/// student's, over the same candidates (RocketQAv2, arXiv 2110.07367, equation 7):
///   p = softmax(teacher / teacher_temperature),   q = softmax(s / temperature),   s = a b^T
/// The value is not multiplied by the square of a temperature.
struct ScoreDistillation {
  using Targets = TeacherScores;

  double temperature = 0.02;
  double teacher_temperature = 1;

  /// queries (n, d), passages (m, d) -> (1, 1)
  template <Context C, class Var>
  auto operator()(C& cx, const Var& queries, const Var& passages, const Targets& targets) const {
    require<InputError>(temperature > 0 && teacher_temperature > 0, "score_distillation", "temperatures ", temperature,
                        " and ", teacher_temperature, " are not above 0");
    const auto scores = cx.apply(ops::Matmul{true, 1}, queries, passages);
    targets.check("score_distillation", C::value(scores).rows(), C::value(scores).cols());
    return cx.apply(HostOp<detail::ScoreDistillationRows>{{temperature, teacher_temperature,
                                                           std::make_shared<const TeacherScores>(targets)}},
                    scores);
  }
};

}  // namespace nvembed::loss
