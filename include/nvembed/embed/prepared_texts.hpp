#pragma once

#include <nvembed/batch/packed.hpp>
#include <vector>

namespace nvembed {

/// Texts as they enter a model.
struct PreparedTexts {
  std::vector<TokenizedText> texts;
  std::vector<Index> truncated, empty;  ///< numbers of the texts that were cut, or have no token to pool
};

}  // namespace nvembed
