#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/recipe.hpp>
#include <string>
#include <vector>

namespace nvembed::train {

/// Reads a recipe (JSON; docs/training/recipes.md has every key). Paths in it become relative to the recipe's folder,
/// `~` is the home folder. Throws FileError naming file, key and value for anything unknown, missing, of another type
/// or out of range; a misspelt key is told with the one that may have been meant.
NVEMBED_INLINE Recipe read_recipe(const std::string& path);

/// All settings that decide the weights, one canonical JSON object: a run goes on from a checkpoint only where they are
/// the same. `records`: how many each task of each stage has.
NVEMBED_INLINE std::string recipe_identity(const Recipe& recipe, const std::vector<std::vector<Index>>& records = {},
                                           const std::vector<std::string>& teachers = {});

/// Names of the settings in which two identities differ, as `stages.0.learning_rate`.
NVEMBED_INLINE std::vector<std::string> recipe_differences(const std::string& a, const std::string& b);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/read_recipe.inl>
#endif
