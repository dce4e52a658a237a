#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/embed/similarity.hpp>
#include <nvembed/eval/correlation.hpp>
#include <nvembed/eval/summarization.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Summarization::Summarization(TaskInfo info, TaskTexts machine, TaskTexts human,
                                            std::vector<Article> articles)
    : info_(std::move(info)), texts_{std::move(machine), std::move(human)}, articles_(std::move(articles)) {
  for (std::size_t i = 0; i < articles_.size(); ++i) {
    const Article& a = articles_[i];
    require<ShapeError>(a.machine_begin >= 0 && a.machine_begin <= a.machine_end && a.machine_end <= texts_[0].size() &&
                            a.human_begin >= 0 && a.human_begin < a.human_end && a.human_end <= texts_[1].size() &&
                            static_cast<Index>(a.grades.size()) == a.machine_end - a.machine_begin,
                        "summarization", "summaries of article ", i, " do not fit");
  }
}

NVEMBED_INLINE Score Summarization::score(std::span<const HostMatrix> vectors, const Scoring& scoring) const {
  std::vector<double> values;
  double linear = 0;
  for (const Article& a : articles_) {
    std::vector<double> nearest;
    for (Index m = a.machine_begin; m < a.machine_end; ++m) {
      double most = -1;
      for (Index h = a.human_begin; h < a.human_end; ++h) most = std::max(most, cosine(vectors[0][m], vectors[1][h]));
      nearest.push_back(most);
    }
    const double correlation = spearman(nearest, a.grades);
    if (std::isnan(correlation)) continue;
    values.push_back(correlation);
    linear += pearson(nearest, a.grades);
  }
  require<InputError>(!values.empty(), "summarization", texts_[0].file, ": no article has different grades");
  Score s = mean_score(values, scoring.seed);
  s.extras["pearson"] = 100 * linear / static_cast<double>(values.size());
  return s;
}

}  // namespace nvembed::eval
