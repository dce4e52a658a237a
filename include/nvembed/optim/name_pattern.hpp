#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace nvembed::optim {

/// Names that a pattern matches from end to end: `*` stands for any run of characters, dots included, all else for
/// itself. `body.layers.0.*`, `*.bias`, `*lora_*`.
class NamePattern {
 public:
  explicit NamePattern(std::string pattern) : pattern_(std::move(pattern)) {}

  bool operator()(std::string_view name) const {
    // The last star takes one character more whenever what follows it does not fit.
    std::size_t p = 0, n = 0, star = std::string::npos, taken = 0;
    while (n < name.size()) {
      if (p < pattern_.size() && pattern_[p] == '*') {
        star = p++;
        taken = n;
      } else if (p < pattern_.size() && pattern_[p] == name[n]) {
        ++p, ++n;
      } else if (star != std::string::npos) {
        p = star + 1;
        n = ++taken;
      } else {
        return false;
      }
    }
    while (p < pattern_.size() && pattern_[p] == '*') ++p;
    return p == pattern_.size();
  }

 private:
  std::string pattern_;
};

}  // namespace nvembed::optim
