#pragma once

#include <nvembed/train/any_records.hpp>
#include <nvembed/train/record_counts.hpp>
#include <nvembed/train/training_task.hpp>

namespace nvembed::train {

/// A task and its records.
struct TaskRecords {
  TrainingTask task;
  AnyRecords records;
  RecordCounts counts = {};  ///< what reading them met; of records made from labels, `records` to `bad` and `repeated`
};

}  // namespace nvembed::train
