#pragma once

#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/core/fnv1a.hpp>
#include <nvembed/io/printable.hpp>
#include <nvembed/train/graded_records.hpp>
#include <nvembed/train/labelled_records.hpp>
#include <nvembed/train/open_tasks.hpp>
#include <nvembed/train/read_training_tasks.hpp>
#include <nvembed/train/record_file.hpp>
#include <utility>

namespace nvembed::train {

NVEMBED_INLINE TaskRecords open_task(TrainingTask task, std::uint64_t seed, const RecordFileOptions& options) {
  RecordCounts counts;
  Index lines = 0;
  const auto open = [&]() -> AnyRecords {
    if (task.grades) {
      GradedRecords file(task.file, *task.grades, options);
      counts = file.counts();
      lines = counts.records + counts.bad;
      return file;
    }
    if (!task.labels) {
      RecordFile file(task.file, options);
      counts = file.counts();
      lines = counts.records + counts.bad;
      return file;
    }
    LabelledRecords file(task.file, *task.labels, seed, options);
    const LabelledCounts& c = file.counts();
    counts.records = counts.with_negatives = c.texts;
    counts.bad = c.bad, counts.repeated = c.repeated;
    lines = c.texts + c.bad + c.repeated + c.lone;
    return file;
  };
  AnyRecords records = open();
  require<FileError>(task.count == 0 || task.count == lines, "training_tasks", task.file, ": ", lines,
                     " records, but task ", printable(task.name), " says ", task.count);
  if (options.notice && !task.grades && !task.in_batch_negatives && counts.with_negatives < counts.records)
    options.notice(cat("[training_tasks] ", task.file, ": ", counts.records - counts.with_negatives, " of ",
                       counts.records,
                       " records have no negatives, and the task has no in-batch ones: they teach "
                       "nothing until negatives are mined"));
  return {std::move(task), std::move(records), counts};
}

NVEMBED_INLINE std::vector<TaskRecords> open_tasks(const std::string& path, const OpenTasksOptions& options) {
  std::vector<TaskRecords> opened;
  for (TrainingTask& task : read_training_tasks(path, options.only)) {
    // By name, so that a task's records do not depend on which others are there.
    const std::uint64_t seed = CounterRng(options.seed).at(fnv1a(std::as_bytes(std::span(task.name)))).bits();
    opened.push_back(open_task(std::move(task), seed, options.files));
  }
  return opened;
}

NVEMBED_INLINE std::vector<Index> record_numbers(const std::vector<TaskRecords>& tasks) {
  std::vector<Index> numbers;
  for (const TaskRecords& t : tasks) numbers.push_back(t.records.size());
  return numbers;
}

}  // namespace nvembed::train
