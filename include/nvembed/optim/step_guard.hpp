#pragma once

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>

namespace nvembed::optim {

/// Keeps steps whose loss or gradient is not finite away from the weights, and ends a run that has nothing else left.
class StepGuard {
 public:
  /// What a checkpoint keeps, so that a run that goes on counts on.
  struct Counts {
    Index skipped = 0;   ///< steps, in all
    Index in_a_row = 0;  ///< those up to now
    bool operator==(const Counts&) const = default;
  };

  /// Throws InputError unless most_in_a_row >= 1.
  explicit StepGuard(Index most_in_a_row) : StepGuard(most_in_a_row, Counts()) {}
  StepGuard(Index most_in_a_row, Counts counts) : most_in_a_row_(most_in_a_row), counts_(counts) {
    require<InputError>(most_in_a_row >= 1, "step_guard", "the most steps in a row are ", most_in_a_row);
  }

  /// Whether to take the step; one that is skipped is counted. `gradient_norm` is that of all gradients
  /// (clip_gradient_norm), which one number that is not finite spoils. Throws Error for the last of most_in_a_row.
  bool admit(double loss, double gradient_norm) {
    if (std::isfinite(loss) && std::isfinite(gradient_norm)) {
      counts_.in_a_row = 0;
      return true;
    }
    ++counts_.skipped;
    ++counts_.in_a_row;
    require(counts_.in_a_row < most_in_a_row_, "step_guard", counts_.in_a_row,
            " steps in a row had a loss or a gradient that is not finite, the last a loss of ", loss,
            " and a gradient of length ", gradient_norm, "; lower the learning rate, or look at the batch");
    return false;
  }

  const Counts& counts() const { return counts_; }

 private:
  Index most_in_a_row_;
  Counts counts_;
};

}  // namespace nvembed::optim
