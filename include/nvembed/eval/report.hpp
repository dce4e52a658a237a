#pragma once

#include <map>
#include <nvembed/core/config.hpp>
#include <nvembed/eval/clustering.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/eval/means.hpp>
#include <string>
#include <utility>
#include <vector>

namespace nvembed::eval {

/// A page about an evaluation. Drawings are made task by task while vectors are there: give `add` to
/// EvaluateOptions::scored.
class Report {
 public:
  /// Another model's scores by task name, for a column beside this one's.
  struct Others {
    std::string name;
    std::map<std::string, Estimate> scores;
  };

  /// Similarities of what belongs together and what does not, neighbours of a few queries, a projection of clusters.
  NVEMBED_INLINE void add(const AnyTask& task, const Score& score, std::span<const HostMatrix> vectors,
                          const Scoring& scoring);
  /// How a latent head's attention (TextEmbedder::latent_weights, a row a text) differs between a clustering task's
  /// labels: the latents that differ most.
  NVEMBED_INLINE void add_latents(const Clustering& task, std::span<const Index> rows, HostMatrix weights);

  /// `facts`: what the reader should know of how it was made, a sentence each. The differences of `comparison` are by
  /// task, in order; it may be empty.
  NVEMBED_INLINE std::string html(const std::string& title, const std::vector<std::string>& facts,
                                  const Evaluation& evaluation, const std::vector<Others>& others,
                                  const std::string& compared_with,
                                  const std::vector<std::optional<Estimate>>& comparison) const;

 private:
  std::vector<std::string> histograms_, projections_, latents_;
  std::vector<std::pair<std::string, std::string>> neighbours_;  ///< task, HTML
};

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/report.inl>
#endif
