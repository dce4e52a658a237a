#pragma once

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <string_view>
#include <vector>

namespace nvembed::loss {

/// How alike the two texts of each pair are, as people say: row i of one side belongs to row i of the other.
struct GradedPairs {
  std::vector<double> grades;  ///< (n) larger is more alike

  /// Throws InputError unless there are n finite grades.
  void check(std::string_view place, Index n) const {
    require<InputError>(static_cast<Index>(grades.size()) == n, place, grades.size(), " grades for ", n, " pairs");
    require<InputError>(n > 0, place, "no pairs");
    for (std::size_t i = 0; i < grades.size(); ++i)
      require<InputError>(std::isfinite(grades[i]), place, "grade ", i, " is not finite");
  }
};

}  // namespace nvembed::loss
