#pragma once

#include <memory>
#include <nvembed/core/shape.hpp>
#include <nvembed/core/view.hpp>
#include <span>
#include <utility>
#include <vector>

namespace nvembed {

/// Row-major dense array in the memory of back end B. Copies share the buffer; an op never writes into its inputs, so
/// sharing is safe. An empty tensor (default) stands for an input that is left out.
template <class B, class T>
class Tensor {
 public:
  using backend = B;
  using value_type = T;

  Tensor() = default;
  /// Not zeroed.
  Tensor(typename B::Lane& lane, Shape shape)
      : buffer_(lane.allocate(static_cast<std::size_t>(shape.size()) * sizeof(T))), shape_(shape) {}

  /// A copy of host values. Throws ShapeError where their number does not fit.
  static Tensor from_host(typename B::Lane& lane, Shape shape, std::span<const T> values) {
    require<ShapeError>(static_cast<Index>(values.size()) == shape.size(), "tensor", values.size(),
                        " values for shape ", shape.str());
    Tensor t(lane, shape);
    lane.upload(t.data(), values.data(), values.size_bytes());
    return t;
  }
  std::vector<T> to_host(typename B::Lane& lane) const {
    std::vector<T> values(static_cast<std::size_t>(size()));
    lane.download(values.data(), data(), values.size() * sizeof(T));
    return values;
  }

  explicit operator bool() const { return buffer_ != nullptr; }
  const Shape& shape() const { return shape_; }
  Index size() const { return buffer_ ? shape_.size() : 0; }
  Index rows() const { return shape_[0]; }
  Index cols() const { return shape_[1]; }

  T* data() { return reinterpret_cast<T*>(buffer_.get()); }
  const T* data() const { return reinterpret_cast<const T*>(buffer_.get()); }

  /// The same elements in another shape, shared. Throws ShapeError where their number differs.
  Tensor reshaped(Shape shape) const {
    require<ShapeError>(shape.size() == size(), "tensor", shape_.str(), " cannot take the shape ", shape.str());
    Tensor t = *this;
    t.shape_ = shape;
    return t;
  }

  /// Throws ShapeError unless the rank is 2.
  MatView<T> mat() { return {data(), matrix()[0], shape_[1], shape_[1]}; }
  MatView<const T> mat() const { return {data(), matrix()[0], shape_[1], shape_[1]}; }
  /// All elements in order; an empty tensor gives an empty view.
  VecView<T> flat() { return {data(), size()}; }
  VecView<const T> flat() const { return {data(), size()}; }

 private:
  const Shape& matrix() const {
    require<ShapeError>(buffer_ && shape_.rank() == 2, "tensor", "a matrix was expected, shape is ", shape_.str());
    return shape_;
  }

  std::shared_ptr<std::byte> buffer_;
  Shape shape_;
};

}  // namespace nvembed
