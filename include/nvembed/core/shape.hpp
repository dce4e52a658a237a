#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nvembed/core/error.hpp>
#include <string>

namespace nvembed {

using Index = std::int64_t;

/// Extents of a tensor, row-major, rank 0 to 4; held inline.
class Shape {
 public:
  static constexpr int max_rank = 4;

  Shape() = default;
  Shape(std::initializer_list<Index> extents) {
    require<ShapeError>(extents.size() <= max_rank, "shape", "rank ", extents.size(), " is more than ", max_rank);
    for (Index e : extents) push_back(e);
  }

  void push_back(Index extent) {
    require<ShapeError>(rank_ < max_rank && extent >= 0, "shape", "cannot append extent ", extent, " to ", str());
    extents_[static_cast<std::size_t>(rank_++)] = extent;
  }
  int rank() const { return rank_; }
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }

  /// Number of elements. Throws ShapeError where the product does not fit an Index.
  Index size() const {
    Index n = 1;
    for (int a = 0; a < rank_; ++a) {
      const Index e = (*this)[a];
      if (e != 0 && n > std::numeric_limits<Index>::max() / e) [[unlikely]]  // no message is made before it is needed
        fail<ShapeError>("shape", str(), " has too many elements");
      n *= e;
    }
    return n;
  }

  /// `(3, 8)`, as messages print it.
  std::string str() const {
    std::string s = "(";
    for (int a = 0; a < rank_; ++a) s += (a ? ", " : "") + std::to_string((*this)[a]);
    return s + ")";
  }

  bool operator==(const Shape&) const = default;

 private:
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace nvembed
