#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed::train {

/// What a step was like.
struct StepLog {
  Index step = 0;  ///< steps done with it, all stages together
  Index stage = 0;
  double loss = 0, lr = 0, gradient_norm = 0;
  Index tokens = 0;
  double seconds = 0;
  Index queries = 0, negatives = 0;  ///< in the loss; candidates they were compared with
  Index without_negatives = 0;       ///< queries with nothing to be compared with, left out
  Index masked = 0;                  ///< candidates that answer the query, or scored too high
  Index unusable = 0;                ///< queries left out, as a text of theirs leaves nothing to pool
  Index truncated = 0;               ///< texts that were cut
  std::string skipped;               ///< why no update was made; empty: one was made
};

/// Scores of an evaluation after `step` steps.
struct EvaluationLog {
  Index step = 0;
  double overall = 0;
  std::map<std::string, double> tasks;  ///< main score of each, in percent
  double seconds = 0;
};

/// A run's log: one JSON object a line, written as it happens.
class TrainingLog {
 public:
  explicit TrainingLog(std::string path) : path_(std::move(path)) {}

  NVEMBED_INLINE void add(const StepLog& step) const;
  NVEMBED_INLINE void add(const EvaluationLog& evaluation) const;
  /// Takes away what was logged behind a step: a run goes on from there. Throws FileError where the file is broken.
  NVEMBED_INLINE void cut(Index step) const;

  struct Content {
    std::vector<StepLog> steps;
    std::vector<EvaluationLog> evaluations;
  };
  /// Empty where there is no file. A last line that was cut short is passed over.
  NVEMBED_INLINE Content read() const;
  const std::string& path() const { return path_; }

 private:
  NVEMBED_INLINE void append(const std::string& line) const;

  std::string path_;
};

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/training_log.inl>
#endif
