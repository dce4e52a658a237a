#pragma once

#include <map>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <span>

namespace nvembed::eval {

/// Mean over the classes, of those that occur or are predicted, of F1 = 2 TP / (2 TP + FP + FN). Throws ShapeError
/// where the sizes differ.
inline double macro_f1(std::span<const Index> truth, std::span<const Index> predicted) {
  require<ShapeError>(truth.size() == predicted.size(), "macro_f1", truth.size(), " classes and ", predicted.size(),
                      " predictions");
  struct Counts {
    double right = 0, all = 0;  // all: of the truth and of the predictions
  };
  std::map<Index, Counts> counts;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ++counts[truth[i]].all, ++counts[predicted[i]].all;
    if (truth[i] == predicted[i]) ++counts[truth[i]].right;
  }
  double sum = 0;
  for (const auto& [label, c] : counts) sum += 2 * c.right / c.all;
  return counts.empty() ? 0 : sum / static_cast<double>(counts.size());
}

}  // namespace nvembed::eval
