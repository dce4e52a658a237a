#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/core/shape.hpp>
#include <type_traits>

namespace nvembed {

/// A borrowed vector. Kernels take views and trust them; whoever makes a view has checked it.
template <class T>
struct VecView {
  T* data = nullptr;
  Index size = 0;

  NVEMBED_HD T& operator[](Index i) const { return data[i]; }
  NVEMBED_HD operator VecView<const T>() const requires(!std::is_const_v<T>) { return {data, size}; }
};

/// A borrowed row-major matrix; `stride` is the distance of two rows in elements, so a block of columns is a view too.
template <class T>
struct MatView {
  T* data = nullptr;
  Index rows = 0, cols = 0, stride = 0;

  NVEMBED_HD T* row(Index r) const { return data + r * stride; }
  NVEMBED_HD T& operator()(Index r, Index c) const { return data[r * stride + c]; }
  /// Columns [begin, begin + n).
  NVEMBED_HD MatView columns(Index begin, Index n) const { return {data + begin, rows, n, stride}; }
  /// Rows [begin, begin + n).
  NVEMBED_HD MatView block(Index begin, Index n) const { return {row(begin), n, cols, stride}; }
  NVEMBED_HD operator MatView<const T>() const requires(!std::is_const_v<T>) { return {data, rows, cols, stride}; }
};

}  // namespace nvembed
