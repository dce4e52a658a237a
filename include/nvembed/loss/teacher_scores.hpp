#pragma once

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <string_view>
#include <vector>

namespace nvembed::loss {

/// What a teacher thinks of some passages for each query.
struct TeacherScores {
  std::vector<std::vector<Index>> candidates;  ///< (n) passages that were scored, each once, at least two a query
  std::vector<std::vector<double>> scores;     ///< (n) in the same order, in the teacher's own unit

  /// Throws InputError where they do not fit n queries and m passages.
  void check(std::string_view place, Index n, Index m) const {
    require<InputError>(n > 0 && static_cast<Index>(candidates.size()) == n && static_cast<Index>(scores.size()) == n,
                        place, "candidates of ", candidates.size(), " and scores of ", scores.size(), " for ", n,
                        " queries");
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      require<InputError>(candidates[i].size() == scores[i].size(), place, "query ", i, " has ", candidates[i].size(),
                          " candidates and ", scores[i].size(), " scores");
      require<InputError>(candidates[i].size() > 1, place, "query ", i, " has ", candidates[i].size(),
                          " candidates; two are the least that can be told apart");
      std::vector<bool> seen(static_cast<std::size_t>(m));
      for (const Index j : candidates[i]) {
        require<InputError>(j >= 0 && j < m, place, "candidate ", j, " of query ", i, ", there are ", m, " passages");
        require<InputError>(!seen[static_cast<std::size_t>(j)], place, "candidate ", j, " of query ", i,
                            " is there twice");
        seen[static_cast<std::size_t>(j)] = true;
      }
      for (const double s : scores[i])
        require<InputError>(std::isfinite(s), place, "a score of query ", i, " is not finite");
    }
  }
};

}  // namespace nvembed::loss
