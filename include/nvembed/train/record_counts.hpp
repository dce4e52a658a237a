#pragma once

#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// What reading a file of records met.
struct RecordCounts {
  Index records = 0;         ///< usable ones
  Index with_negatives = 0;  ///< of these, those with a negative left
  Index positives = 0, negatives = 0;
  Index bad = 0;  ///< lines that are no record, left out

  // Texts that were dropped from records.
  Index negatives_that_answer = 0;  ///< equal to a positive of the record
  Index negatives_of_query = 0;     ///< equal to the query
  Index repeated = 0;               ///< positives and negatives that stood in the record before

  Index dropped() const { return negatives_that_answer + negatives_of_query + repeated; }
  RecordCounts& operator+=(const RecordCounts& o) {
    records += o.records, with_negatives += o.with_negatives, positives += o.positives, negatives += o.negatives;
    bad += o.bad, negatives_that_answer += o.negatives_that_answer, negatives_of_query += o.negatives_of_query;
    repeated += o.repeated;
    return *this;
  }
  bool operator==(const RecordCounts&) const = default;
};

}  // namespace nvembed::train
