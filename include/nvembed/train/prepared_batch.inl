#pragma once

#include <nvembed/train/contrastive_batch.hpp>
#include <nvembed/train/prepared_batch.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE PreparedBatch prepare_batch(const StageData& data, Index step, const RecipeStage& stage,
                                           std::uint64_t seed, const InputBuilder& inputs) {
  const std::vector<TaskRecords>& tasks = data.tasks;
  const ContrastiveOptions options{stage.hard_negatives, stage.in_batch_negatives, seed};
  std::vector<Draw> draws = data.sampler.batch(step);
  std::vector<std::string> unusable;
  for (;;) {
    PreparedBatch made;
    if (draws.empty()) {
      made.unusable = std::move(unusable);
      return made;
    }
    ContrastiveBatch batch = contrastive_batch(tasks, draws, options);
    std::vector<bool> usable(draws.size(), true);
    const auto leave_out = [&](std::size_t query, std::string_view why) {
      if (!usable[query]) return;
      usable[query] = false;
      const Draw& d = draws[query];
      unusable.push_back(cat(tasks[static_cast<std::size_t>(d.task)].records.where(d.record), ": ", why));
    };
    const auto add = [&](const BatchText& text, Index max_length, std::size_t query, const TeacherVectors* teacher) {
      const BuiltInput input = inputs.build(text, {.max_length = max_length});
      if (!input.poolable()) leave_out(query, cat("a text of it ", input.why_empty()));
      if (teacher) {
        const std::optional<Index> row = teacher->find(text.text);
        if (!row) leave_out(query, "the teacher has no vector for a text of it");
        made.teacher_rows.push_back(row.value_or(0));
      }
      made.truncated += input.truncated;
      made.tokens += static_cast<Index>(input.text.ids.size());
      made.texts.push_back(input.text);
      made.ids.push_back(text.id);
    };
    for (std::size_t i = 0; i < batch.queries.size(); ++i)
      add(batch.queries[i], stage.query_max_length, i, data.teacher ? &data.teacher->queries : nullptr);
    // Passages of a query stand together, the positive first.
    std::size_t query = 0;
    for (std::size_t j = 0; j < batch.passages.size(); ++j) {
      while (query + 1 < batch.targets.positive.size() && static_cast<Index>(j) >= batch.targets.positive[query + 1])
        ++query;
      add(batch.passages[j], stage.passage_max_length, query, data.teacher ? &data.teacher->passages : nullptr);
    }
    std::vector<Draw> left;
    for (std::size_t i = 0; i < draws.size(); ++i)
      if (usable[i]) left.push_back(draws[i]);
    if (left.size() == draws.size()) {
      made.queries = static_cast<Index>(batch.queries.size());
      made.targets = std::move(batch.targets);
      if (stage.graded())
        for (const std::optional<double>& grade : batch.grades) made.grades.push_back(grade.value());
      made.unusable = std::move(unusable);
      return made;
    }
    draws = std::move(left);
  }
}

}  // namespace nvembed::train
