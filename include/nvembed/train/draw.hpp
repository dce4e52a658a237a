#pragma once

#include <cstdint>
#include <nvembed/core/shape.hpp>

namespace nvembed::train {

/// A place of a batch: which record of which task.
struct Draw {
  Index task = 0, record = 0;
  std::uint64_t epoch = 0;  ///< how often the task's records have been gone through before

  bool operator==(const Draw&) const = default;
};

}  // namespace nvembed::train
