#pragma once

#include <concepts>
#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <nvembed/eval/score.hpp>
#include <nvembed/eval/scoring.hpp>
#include <nvembed/eval/search.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::eval {

struct TaskInfo {
  std::string name, category;  ///< category: what its score is averaged with
  std::string instruction;     ///< goes before queries
  Index max_length = 0;        ///< tokens a text of it may have; 0: as for the others
};

/// Queries get the task's instruction, passages none. All texts of a symmetric task are queries.
enum class Role : std::uint8_t { query, passage };

/// Texts that play one part in a task, and where each stands.
struct TaskTexts {
  Role role = Role::query;
  std::string file;
  std::vector<std::string> texts;
  std::vector<Index> lines;  ///< of `file`, from 1; empty where the texts come from no file

  void add(std::string text, Index line) {
    texts.push_back(std::move(text));
    lines.push_back(line);
  }
  Index size() const { return static_cast<Index>(texts.size()); }
  /// The texts of these rows alone.
  TaskTexts subset(std::span<const Index> rows) const {
    TaskTexts some{role, file, {}, {}};
    for (const Index i : rows) {
      some.texts.push_back(texts[static_cast<std::size_t>(i)]);
      if (!lines.empty()) some.lines.push_back(lines[static_cast<std::size_t>(i)]);
    }
    return some;
  }
  /// `FILE, line N` of text i.
  std::string where(Index i) const {
    return lines.empty() ? file + ", text " + std::to_string(i + 1)
                         : file + ", line " + std::to_string(lines[static_cast<std::size_t>(i)]);
  }
};

/// Something to measure a model by: texts to encode, and what their vectors are worth. `score` gets a matrix for each
/// group of texts, a row for each text in order. It throws InputError where nothing can be said.
template <class T>
concept EvalTask = requires(const T& task, std::span<const HostMatrix> vectors, const Scoring& scoring) {
  { task.info() } -> std::same_as<const TaskInfo&>;
  { task.texts() } -> std::same_as<std::span<const TaskTexts>>;
  { task.score(vectors, scoring) } -> std::same_as<Score>;
};

/// A task that can be made smaller for a quick look: about `fraction` of its data, drawn by `seed`.
template <class T>
concept SampledTask = EvalTask<T> && requires(const T& task, double fraction, std::uint64_t seed) {
  { task.sampled(fraction, seed) } -> std::same_as<T>;
};

}  // namespace nvembed::eval
