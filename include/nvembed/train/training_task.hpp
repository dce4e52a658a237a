#pragma once

#include <nvembed/core/shape.hpp>
#include <nvembed/train/grade_range.hpp>
#include <nvembed/train/label_options.hpp>
#include <optional>
#include <string>

namespace nvembed::train {

/// What tasks.json says of a file of training records.
struct TrainingTask {
  std::string name = {};
  std::string kind = {};         ///< retrieval, sts, nli, classification, clustering, ...: a word for reports
  std::string instruction = {};  ///< task description of the queries; may be empty
  bool symmetric = false;        ///< the instruction stands before positives and negatives, too
  /// Whether passages of other queries are negatives: right for retrieval, wrong where other records may answer a
  /// query.
  bool in_batch_negatives = false;
  Index count = 0;                          ///< records that the file has; 0: not said
  std::string file = {};                    ///< with its folder
  std::optional<LabelOptions> labels = {};  ///< the file holds texts with labels, records are made of them
  std::optional<GradeRange> grades = {};    ///< the file holds graded pairs
};

}  // namespace nvembed::train
