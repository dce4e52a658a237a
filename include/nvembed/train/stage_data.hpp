#pragma once

#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/train/recipe.hpp>
#include <nvembed/train/sampler.hpp>
#include <nvembed/train/task_records.hpp>
#include <nvembed/train/teacher_vectors.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed::train {

/// What a teacher gave to the texts of a stage.
struct StageTeacher {
  TeacherVectors queries, passages;
};

/// The records of a stage, and how its batches are drawn from them.
struct StageData {
  std::vector<TaskRecords> tasks;
  Sampler sampler;
  std::optional<StageTeacher> teacher = {};
};

/// Opens them. `notice` is told of what is skipped and of tasks that cannot teach. Throws what `open_tasks` and Sampler
/// and TeacherVectors throw, InputError where `weights` names no task of its folder, or where its losses want graded
/// pairs and its tasks have none, or the other way round.
NVEMBED_INLINE StageData open_stage_data(const Recipe& recipe, const RecipeStage& stage,
                                         const std::function<void(const std::string&)>& notice = {});

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/stage_data.inl>
#endif
