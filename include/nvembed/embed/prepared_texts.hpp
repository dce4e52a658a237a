#pragma once

#include <nvembed/batch/packed.hpp>
#include <vector>

namespace nvembed {

/// Texts as they enter a model.
struct PreparedTexts {
  std::vector<TokenizedText> texts;
  Index first = 0;                      ///< number of the first, which the others follow
  std::vector<Index> truncated, empty;  ///< numbers of the texts that were cut, or have no token to pool
};

}  // namespace nvembed
