#pragma once

#include <nvembed/eval/report.hpp>
#include <string>

#include "eval_results.hpp"
#include "model.hpp"
#include "output.hpp"

namespace cli {

/// The page that `nvembed eval --report` writes.
class EvalPage {
 public:
  /// `options` are those of queries. Both outlive this.
  EvalPage(const Model& model, const nvembed::eval::EvaluateOptions& options) : model_(model), options_(options) {}

  /// Draws a task while its vectors are there.
  void add(const nvembed::eval::AnyTask& task, const nvembed::eval::Score& score,
           std::span<const nvembed::eval::HostMatrix> vectors, const nvembed::eval::Scoring& scoring);
  /// `comparison` and `other` are null where there is nothing to compare with.
  void write(Output& out, const EvalResults& results, const EvalComparison* comparison, const EvalResults* other) const;

 private:
  void add_latents(const nvembed::eval::Clustering& task);

  const Model& model_;
  const nvembed::eval::EvaluateOptions& options_;
  nvembed::eval::Report report_;
};

}  // namespace cli
