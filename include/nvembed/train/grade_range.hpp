#pragma once

namespace nvembed::train {

/// The grades that a file of graded pairs has, for texts that have nothing in common and for texts that say the same.
struct GradeRange {
  double low = 0, high = 1;
};

}  // namespace nvembed::train
