#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/any_task.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed::eval {

/// A task of a folder, or why there is none.
struct FoundTask {
  TaskInfo info;
  std::optional<AnyTask> task;
  /// What is wrong with its files, naming file and line. A task may be there all the same: a query that nobody judged,
  /// for one, is left out of it.
  std::vector<std::string> problems;
};

struct ReadOptions {
  std::vector<std::string> only;  ///< names of tasks or categories; empty: all
  double sample = 1;              ///< about this share of each task
  std::uint64_t seed = 42;        ///< of samples and of the examples that classification draws
};

/// The tasks of a folder: those that its tasks.json lists, or, where there is none, the folder or its subfolders in
/// BEIR's layout (corpus.jsonl, queries.jsonl, qrels/test.tsv or the like). docs/evaluation.md has the formats. A task
/// whose files are broken does not keep the others from being read. Throws FileError where the folder has no tasks or
/// tasks.json is broken, InputError where `only` names what it does not have.
NVEMBED_INLINE std::vector<FoundTask> read_tasks(const std::string& folder, const ReadOptions& options = {});

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/read_tasks.inl>
#endif
