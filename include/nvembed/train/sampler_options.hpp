#pragma once

#include <cstdint>
#include <nvembed/core/shape.hpp>
#include <vector>

namespace nvembed::train {

/// What a batch is made of: records of all tasks (NV-Embed, arXiv 2405.17428: batches of one task make gradients
/// zigzag), or of one task, which makes in-batch negatives harder.
enum class BatchMix : std::uint8_t { mixed, homogeneous };

/// How batches are drawn.
struct SamplerOptions {
  Index batch = 128;  ///< records a step
  /// A task's share of the records drawn is proportional to weight * (its records)^size_exponent. 1: every record is as
  /// likely as any other; 0: every task is; between: tasks of few records get more than their part (1 / temperature in
  /// the writing of others). "Uniformly sampled", as NV-Embed says of its blend, may mean the first or the second.
  double size_exponent = 1;
  /// One a task, or empty: all 1. 0 leaves a task out.
  std::vector<double> weights = {};
  BatchMix mix = BatchMix::mixed;
  std::uint64_t seed = 42;
};

}  // namespace nvembed::train
