#pragma once

#include <algorithm>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/bm25.hpp>
#include <utility>

namespace nvembed::eval {

NVEMBED_INLINE Evaluation evaluate_bm25(std::span<const FoundTask> tasks, const DotProducts& dots,
                                        const EvaluateOptions& options) {
  Evaluation result;
  for (const FoundTask& t : tasks) {
    result.tasks.push_back({t.info, {}, t.problems, 0});
    if (!t.task) continue;
    if (options.progress) options.progress({0, 0, 0, 1, t.info.name});
    const auto groups = t.task->texts();
    const bool asymmetric =
        std::any_of(groups.begin(), groups.end(), [](const TaskTexts& g) { return g.role == Role::passage; });
    std::vector<std::string> fitted;
    for (const TaskTexts& g : groups)
      if (!asymmetric || g.role == Role::passage) fitted.insert(fitted.end(), g.texts.begin(), g.texts.end());
    try {
      const Bm25 bm25(fitted, asymmetric);
      std::vector<std::vector<float>> values;
      std::vector<HostMatrix> vectors;
      for (const TaskTexts& g : groups) {
        values.push_back(asymmetric && g.role == Role::query ? bm25.queries(g.texts) : bm25.documents(g.texts));
        if (!asymmetric) normalize_rows(values.back(), bm25.dim());
        vectors.push_back({values.back().data(), g.size(), bm25.dim()});
        result.texts += g.size();
      }
      const Scoring scoring{dots, asymmetric ? Similarity::dot : Similarity::cosine, options.seed};
      result.tasks.back() = score_task(t, vectors, scoring, options);
      result.score_seconds += result.tasks.back().seconds;
    } catch (const InputError& e) {
      result.tasks.back().problems.emplace_back(e.what());
    }
  }
  return result;
}

}  // namespace nvembed::eval
