#pragma once

#include <functional>
#include <nvembed/core/precision.hpp>
#include <nvembed/core/shape.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed {

/// How a model is written.
struct ExportOptions {
  std::optional<Precision> precision = {};  ///< f32, f16 or bf16; empty: as `export_precision` has it
  Index shard_size = 5'000'000'000;         ///< bytes of a file of weights
  /// Called after each tensor with the numbers done, of how many.
  std::function<void(Index done, Index total)> progress = {};
};

/// What was written.
struct Exported {
  Precision precision = Precision::f32;
  Index numbers = 0, bytes = 0;  ///< of all tensors
  std::vector<std::string> files = {};
  std::vector<std::string> notices = {};  ///< what a user should know
};

}  // namespace nvembed
