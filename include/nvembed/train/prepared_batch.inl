#pragma once

#include <nvembed/train/prepared_batch.hpp>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE PreparedBatch prepare_batch(std::span<const TaskRecords> tasks, const Sampler& sampler, Index step,
                                           const RecipeStage& stage, std::uint64_t seed, const InputBuilder& inputs) {
  const ContrastiveOptions options{stage.hard_negatives, stage.in_batch_negatives, seed};
  std::vector<Draw> draws = sampler.batch(step);
  std::vector<std::string> unusable;
  for (;;) {
    PreparedBatch made;
    if (draws.empty()) {
      made.unusable = std::move(unusable);
      return made;
    }
    ContrastiveBatch batch = contrastive_batch(tasks, draws, options);
    std::vector<bool> usable(draws.size(), true);
    const auto add = [&](const BatchText& text, Index max_length, std::size_t query) {
      const BuiltInput input = inputs.build(text, {.max_length = max_length});
      if (!input.poolable() && usable[query]) {
        usable[query] = false;
        const Draw& d = draws[query];
        const TaskRecords& task = tasks[static_cast<std::size_t>(d.task)];
        unusable.push_back(cat(task.records.where(d.record), ": a text of it ", input.why_empty()));
      }
      made.truncated += input.truncated;
      made.tokens += static_cast<Index>(input.text.ids.size());
      made.texts.push_back(input.text);
      made.ids.push_back(text.id);
    };
    for (std::size_t i = 0; i < batch.queries.size(); ++i) add(batch.queries[i], stage.query_max_length, i);
    // Passages of a query stand together, the positive first.
    std::size_t query = 0;
    for (std::size_t j = 0; j < batch.passages.size(); ++j) {
      while (query + 1 < batch.targets.positive.size() && static_cast<Index>(j) >= batch.targets.positive[query + 1])
        ++query;
      add(batch.passages[j], stage.passage_max_length, query);
    }
    std::vector<Draw> left;
    for (std::size_t i = 0; i < draws.size(); ++i)
      if (usable[i]) left.push_back(draws[i]);
    if (left.size() == draws.size()) {
      made.queries = static_cast<Index>(batch.queries.size());
      made.targets = std::move(batch.targets);
      made.unusable = std::move(unusable);
      return made;
    }
    draws = std::move(left);
  }
}

}  // namespace nvembed::train
