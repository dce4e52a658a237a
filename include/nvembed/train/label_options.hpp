#pragma once

#include <cstdint>
#include <map>
#include <nvembed/core/shape.hpp>
#include <string>

namespace nvembed::train {

/// What answers a text that has a label (NV-Embed, arXiv 2405.17428, section 4.2): another text of its class, against
/// texts of other classes (v2); or the text of its label, against the other labels' (v1).
enum class LabelMode : std::uint8_t { example, label };

/// How records are made of texts with labels.
struct LabelOptions {
  LabelMode mode = LabelMode::example;
  Index negatives = 7;  ///< of a record, at most; LabelMode::label has no more than there are other labels
  /// LabelMode::label: texts of labels that do not speak for themselves ("0": "negative").
  std::map<std::string, std::string> texts = {};
};

}  // namespace nvembed::train
