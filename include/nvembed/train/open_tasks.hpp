#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <nvembed/train/record_file_options.hpp>
#include <nvembed/train/task_records.hpp>
#include <string>
#include <vector>

namespace nvembed::train {

/// How a folder of tasks is opened.
struct OpenTasksOptions {
  std::vector<std::string> only = {};  ///< names of tasks or kinds; empty: all
  std::uint64_t seed = 42;             ///< of records that are made from labels
  RecordFileOptions files = {};
};

/// The task's records. Throws what RecordFile and LabelledRecords throw, and FileError where the file has not the
/// number of records that the task says (a file that was cut or exchanged). Tells `notice` of a task whose records
/// cannot teach: no in-batch negatives and none of their own.
NVEMBED_INLINE TaskRecords open_task(TrainingTask task, std::uint64_t seed, const RecordFileOptions& options = {});

/// The records of all tasks of a folder or tasks.json (read_training_tasks.hpp).
NVEMBED_INLINE std::vector<TaskRecords> open_tasks(const std::string& path, const OpenTasksOptions& options = {});

/// The numbers of their records, as Sampler takes them.
NVEMBED_INLINE std::vector<Index> record_numbers(const std::vector<TaskRecords>& tasks);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/open_tasks.inl>
#endif
