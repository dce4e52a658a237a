#pragma once

#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// What reading a file of labelled texts met.
struct LabelledCounts {
  Index texts = 0;      ///< that are queries of records
  Index classes = 0;    ///< they are of
  Index bad = 0;        ///< lines that hold no labelled text, left out
  Index repeated = 0;   ///< texts that their class had before, left out
  Index lone = 0;       ///< texts that are the only one of their class, left out of example-based records
  Index ambiguous = 0;  ///< texts that other classes have, too; kept, but never used against each other

  bool operator==(const LabelledCounts&) const = default;
};

}  // namespace nvembed::train
