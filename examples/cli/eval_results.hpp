#pragma once

#include <nvembed/eval/evaluate.hpp>
#include <nvembed/eval/means.hpp>
#include <nvembed/io/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace cli {

/// What one model got on a folder of tasks, as `nvembed eval -o FILE` keeps it.
struct EvalResults {
  std::string model, fingerprint;
  nvembed::Index max_length = 0;
  bool instructions = true;
  double sample = 1;
  std::uint64_t seed = 0;
  nvembed::eval::Evaluation evaluation;

  /// The score of a task of that name; nullptr where it has none.
  const nvembed::eval::Score* find(const std::string& task) const;
  nvembed::eval::Means means() const;
};

/// What differs from another model's results, task by task; nothing where the other has no score of the task.
struct EvalComparison {
  std::vector<std::optional<nvembed::eval::Estimate>> tasks;
  nvembed::eval::Means means;         ///< of the tasks that both have
  std::vector<std::string> problems;  ///< tasks whose data differ, with their messages
};

/// Throws InputError where nothing can be compared: samples of another size, another seed.
void check_comparable(double sample, std::uint64_t seed, const EvalResults& other, const std::string& other_file);
EvalComparison compare(const EvalResults& results, const EvalResults& other, const std::string& other_file);

nvembed::Json to_json(const EvalResults& results);
/// Throws FileError naming file and key.
EvalResults read_eval_results(const std::string& file);

/// The table that people read, lines with their ends. `comparison` may be null.
std::string eval_table(const EvalResults& results, const EvalComparison* comparison);

}  // namespace cli
