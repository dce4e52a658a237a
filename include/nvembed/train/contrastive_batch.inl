#pragma once

#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/train/contrastive_batch.hpp>
#include <nvembed/train/example.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE ContrastiveBatch contrastive_batch(std::span<const TaskRecords> tasks, std::span<const Draw> draws,
                                                  const ContrastiveOptions& options) {
  ContrastiveBatch b;
  loss::ContrastiveTargets& t = b.targets;
  b.draws.assign(draws.begin(), draws.end());
  std::unordered_map<std::uint64_t, std::vector<Index>> rows;  // passages, by their text
  std::vector<std::vector<std::uint64_t>> others;              // other positives of each query's record
  const auto hash = [](std::string_view text) { return fnv1a(std::as_bytes(std::span(text))); };
  const CounterRng key(options.seed);

  for (const Draw& draw : draws) {
    require<InputError>(draw.task >= 0 && draw.task < static_cast<Index>(tasks.size()), "contrastive_batch", "no task ",
                        draw.task, " among ", tasks.size());
    const TrainingTask& task = tasks[static_cast<std::size_t>(draw.task)].task;
    const AnyRecords& records = tasks[static_cast<std::size_t>(draw.task)].records;
    Example e = example_of(records.at(draw.record, draw.epoch), draw.epoch, options.hard_negatives,
                           key.at(static_cast<std::uint64_t>(draw.task)).at(static_cast<std::uint64_t>(draw.record)));
    const auto add_passage = [&](std::string text) {
      const auto row = static_cast<Index>(b.passages.size());
      t.passage_text.push_back(hash(text));
      rows[t.passage_text.back()].push_back(row);
      b.passages.push_back({std::move(text),
                            task.symmetric ? std::optional<std::string>(task.instruction) : std::nullopt,
                            2 * static_cast<std::uint64_t>(row) + 1});
      return row;
    };
    const bool in_batch = options.in_batch_negatives && task.in_batch_negatives;
    b.grades.push_back(e.grade);
    if (!in_batch && e.negatives.empty() && !e.grade) ++b.without_negatives;
    t.in_batch.push_back(in_batch);
    t.query_text.push_back(hash(e.query));
    b.queries.push_back({std::move(e.query), task.instruction, 2 * static_cast<std::uint64_t>(b.queries.size())});
    t.positive.push_back(add_passage(std::move(e.positive)));
    auto& negatives = t.negatives.emplace_back();
    for (std::string& text : e.negatives) negatives.push_back(add_passage(std::move(text)));
    auto& other = others.emplace_back();
    for (const std::string& text : e.other_positives) other.push_back(hash(text));
  }

  for (const auto& texts : others) {
    auto& known = t.known_positives.emplace_back();
    for (const std::uint64_t text : texts)
      if (const auto found = rows.find(text); found != rows.end())
        known.insert(known.end(), found->second.begin(), found->second.end());
  }
  return b;
}

}  // namespace nvembed::train
