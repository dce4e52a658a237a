#pragma once

#include <limits>
#include <vector>

#include <nvembed/core/shape.hpp>

namespace nvembed::text {

/// How one text is tokenised.
struct TokenizeOptions {
  bool parse_special = false;  ///< special strings (`</s>`) become special tokens; else they are plain text
  /// Tokenising may stop once more than `limit` tokens are there; the first `limit` are the same as without a limit.
  Index limit = std::numeric_limits<Index>::max();
  std::vector<Index>* ends = nullptr;  ///< where wanted: for each token, the bytes of the text used up once it is made
};

}  // namespace nvembed::text
