#pragma once

#include <nvembed/embed/similarity.hpp>
#include <nvembed/eval/search.hpp>
#include <vector>

namespace nvembed::eval {

/// Cosine of each row of `a` with the same row of `b`, summed in double.
inline std::vector<double> pair_cosines(HostMatrix a, HostMatrix b) {
  std::vector<double> cosines;
  for (Index i = 0; i < a.rows; ++i) cosines.push_back(cosine(a[i], b[i]));
  return cosines;
}

}  // namespace nvembed::eval
