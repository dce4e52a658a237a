#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nvembed::train {

/// One training example as a file holds it: a text, texts that answer it, and texts that do not. UTF-8, none blank.
struct Record {
  std::string query;
  std::vector<std::string> positives;  ///< at least one
  std::vector<std::string> negatives;  ///< none of them equals the query, a positive or another negative
  /// Of a graded pair (one positive, no negatives): how alike the two are, from 0 to 1.
  std::optional<double> grade = {};

  bool operator==(const Record&) const = default;
};

}  // namespace nvembed::train
