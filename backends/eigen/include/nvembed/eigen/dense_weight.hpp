#pragma once

#include <memory>
#include <nvembed/core/shape.hpp>
#include <vector>

namespace nvembed::eigen {

/// A frozen matrix as the reference back end holds it: decoded, row-major, shared by its copies.
template <class T>
class DenseWeight {
 public:
  DenseWeight() = default;
  DenseWeight(Index rows, Index cols)
      : rows_(rows), cols_(cols), values_(std::make_shared<std::vector<T>>(static_cast<std::size_t>(rows * cols))) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index bytes() const { return rows_ * cols_ * static_cast<Index>(sizeof(T)); }
  const T* row(Index r) const { return values_->data() + r * cols_; }
  T* row(Index r) { return values_->data() + r * cols_; }

 private:
  Index rows_ = 0, cols_ = 0;
  std::shared_ptr<std::vector<T>> values_;
};

}  // namespace nvembed::eigen
