#pragma once

#include <cstddef>
#include <cstdint>

namespace nvembed {

/// Of which inputs an op's backward is to give the gradient. Inputs that were left out need none.
class Need {
 public:
  void set(std::size_t input) { bits_ |= std::uint32_t{1} << input; }
  bool operator[](std::size_t input) const { return (bits_ >> input & 1) != 0; }

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace nvembed
