#pragma once

#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/train/recipe.hpp>
#include <nvembed/train/sampler.hpp>
#include <nvembed/train/task_records.hpp>
#include <string>
#include <vector>

namespace nvembed::train {

/// The records of a stage, and how its batches are drawn from them.
struct StageData {
  std::vector<TaskRecords> tasks;
  Sampler sampler;
};

/// Opens them. `notice` is told of what is skipped and of tasks that cannot teach. Throws what `open_tasks` and Sampler
/// throw, InputError where `weights` names no task of its folder.
NVEMBED_INLINE StageData open_stage_data(const Recipe& recipe, const RecipeStage& stage,
                                         const std::function<void(const std::string&)>& notice = {});

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/stage_data.inl>
#endif
