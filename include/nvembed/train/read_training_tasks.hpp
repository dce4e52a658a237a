#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/training_task.hpp>
#include <string>
#include <vector>

namespace nvembed::train {

/// The tasks that a tasks.json lists, in its order; `path` is that file or its folder. docs/training/data.md has the
/// format. `only` are names of tasks, or kinds; empty: all. Throws FileError naming file and task where a key is
/// missing or of the wrong type, or two tasks have one name; InputError where `only` names what is not there.
NVEMBED_INLINE std::vector<TrainingTask> read_training_tasks(const std::string& path,
                                                             const std::vector<std::string>& only = {});

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/read_training_tasks.inl>
#endif
