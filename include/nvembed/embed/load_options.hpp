#pragma once

#include <functional>
#include <nvembed/core/shape.hpp>
#include <string>

namespace nvembed {

/// What a load may override. Empty: what the model's files say.
struct LoadOptions {
  Index threads = 0;           ///< 0: the cores this process may use
  std::string mask = {};       ///< as mask::parse reads it
  std::string pool = {};       ///< mean, weighted_mean, last_token, none
  std::string precision = {};  ///< f32, f16, bf16, int8, q4 or auto, as `choose_precision` reads it
  Index memory_limit = 0;      ///< bytes that the model and its work may take; 0: what this process may still take
  std::function<void(const std::string&)> notice = {};  ///< told what a user should know (a bare language model, ...)
};

}  // namespace nvembed
