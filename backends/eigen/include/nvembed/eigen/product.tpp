#pragma once

#include <Eigen/Core>
#include <nvembed/eigen/product.hpp>

namespace nvembed::eigen::detail {

template <class T>
void product(const T* x, Index x_stride, Index rows, Index k, const T* w, Index w_stride, Index n, bool transposed,
             T alpha, T* y, Index y_stride) {
  using ColMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>;
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Stride = Eigen::OuterStride<>;
  const Eigen::Map<const ColMajor, 0, Stride> xt(x, k, rows, Stride(x_stride));
  Eigen::Map<ColMajor, 0, Stride> yt(y, n, rows, Stride(y_stride));
  yt.setZero();
  if (transposed) {
    const Eigen::Map<const RowMajor, 0, Stride> m(w, n, k, Stride(w_stride));
    yt.noalias() += alpha * (m * xt);
  } else {
    const Eigen::Map<const ColMajor, 0, Stride> m(w, n, k, Stride(w_stride));
    yt.noalias() += alpha * (m * xt);
  }
}

}  // namespace nvembed::eigen::detail
