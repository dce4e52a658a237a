#pragma once

#include <limits>
#include <nvembed/core/shape.hpp>
#include <vector>

namespace nvembed::text {

/// How one text is tokenised.
struct TokenizeOptions {
  /// Special strings (`</s>`) become special tokens; else they are plain text. Added tokens that are not special are
  /// found either way, as they are part of the vocabulary.
  bool parse_special = false;
  /// Tokenising may stop once more than `limit` tokens are there; the first `limit` are the same as without a limit.
  Index limit = std::numeric_limits<Index>::max();
  /// Where wanted, appended for each token: one past the last byte of the text that the token depends on. They never go
  /// back.
  std::vector<Index>* ends = nullptr;
};

}  // namespace nvembed::text
