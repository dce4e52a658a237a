#pragma once

#include <cstdint>
#include <functional>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/evaluated_model.hpp>
#include <nvembed/eval/read_tasks.hpp>
#include <string>
#include <vector>

namespace nvembed::eval {

/// What became of a task: its score, or why there is none. A score may come with problems.
struct TaskResult {
  TaskInfo info;
  std::optional<Score> score;
  std::vector<std::string> problems;
  double seconds = 0;  ///< of scoring, encoding not counted
};

struct EvaluateProgress {
  Index texts = 0, total_texts = 0;  ///< encoded, of how many different ones
  Index tokens = 0;                  ///< that went through the model
  double share = 0;                  ///< of the work, by the texts' sizes
  std::string_view scoring;          ///< name of the task that is being scored; empty while texts are encoded
};

struct EvaluateOptions {
  EncodeOptions query, passage;  ///< prompts, max_length and the like; a task's own instruction comes with its queries
  bool instructions = true;      ///< false: tasks' instructions are left out
  std::uint64_t seed = 42;       ///< of resampling, draws and starting points
  std::string cache = {};        ///< folder where vectors are kept between runs; empty: nowhere
  std::function<void(const EvaluateProgress&)> progress = {};
  /// Called after each task that has a score, while its vectors are there.
  std::function<void(const AnyTask&, const Score&, std::span<const HostMatrix>, const Scoring&)> scored = {};
};

struct Evaluation {
  std::vector<TaskResult> tasks;                  ///< in the order given
  Index texts = 0, cached_texts = 0, tokens = 0;  ///< different texts; of them found in the cache; tokens encoded
  Index truncated_texts = 0;                      ///< of those encoded now
  double encode_seconds = 0, score_seconds = 0;
};

/// Scores a readable task by the vectors of its texts. What the score throws as InputError, or a score that is not a
/// number, becomes a problem.
NVEMBED_INLINE TaskResult score_task(const FoundTask& task, std::span<const HostMatrix> vectors, const Scoring& scoring,
                                     const EvaluateOptions& options);

/// Scores a model on tasks. Each different text is encoded once for each instruction, longest first, over all tasks. A
/// text that cannot be encoded, or whose vector is not finite, fails the tasks that need it, with a message that names
/// file and line, and no others. Memory: all vectors, and what one task needs. Throws what `encode` throws where it is
/// not about one text.
NVEMBED_INLINE Evaluation evaluate(const EvaluatedModel& model, std::span<const FoundTask> tasks,
                                   const EvaluateOptions& options = {});

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/evaluate.inl>
#endif
