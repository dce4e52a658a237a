#pragma once

#include <nvembed/train/memory_plan.hpp>
#include <nvembed/train/recipe.hpp>

#include "options.hpp"

namespace cli {

/// What `nvembed train` was asked for.
struct TrainJob {
  Options options;
  nvembed::train::Recipe recipe;
  bool resume = false, dry_run = false;
};

/// Runs it on a back end, each of which is compiled in a file of its own.
void train_onednn(const TrainJob& job);
void train_eigen(const TrainJob& job);

/// For --dry-run: stages with their tasks, and the memory that training will take of `free` bytes.
void print_plan(const TrainJob& job, const nvembed::train::MemoryPlan& plan, nvembed::Index free);

}  // namespace cli
