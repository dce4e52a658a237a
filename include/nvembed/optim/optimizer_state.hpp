#pragma once

#include <cstddef>
#include <nvembed/core/raw_weight.hpp>
#include <nvembed/core/shape.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace nvembed::optim {

/// One array that an optimizer keeps beside a parameter, row-major on the host, in the machine's byte order. Borrowed.
struct StateArray {
  std::string_view role;  ///< `exp_avg`, `exp_avg_sq` or `master`
  DType dtype = DType::f32;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// What an optimizer keeps for one parameter. A checkpoint names its arrays `PARAMETER.ROLE`.
struct ParameterState {
  Index steps = 0;  ///< updates that the parameter has had
  std::vector<StateArray> arrays;
};

}  // namespace nvembed::optim
