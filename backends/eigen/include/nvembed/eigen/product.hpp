#pragma once

#include <nvembed/core/shape.hpp>

namespace nvembed::eigen::detail {

/// y (rows, n) = alpha x w^T, x (rows, k) and w (n, k) row-major with the given strides; or, with `transposed` false,
/// w (k, n) and y = alpha x w. Single-threaded. Output rows are columns to Eigen, whose micro-kernel treats all columns
/// of a multiple of four alike: with `rows` fixed, a row's bits do not depend on its place.
template <class T>
void product(const T* x, Index x_stride, Index rows, Index k, const T* w, Index w_stride, Index n, bool transposed,
             T alpha, T* y, Index y_stride);

}  // namespace nvembed::eigen::detail

#if defined(NVEMBED_EIGEN_COMPILED)  // for float, double and complex<double>
#include <complex>
extern template void nvembed::eigen::detail::product(const float*, nvembed::Index, nvembed::Index, nvembed::Index,
                                                     const float*, nvembed::Index, nvembed::Index, bool, float, float*,
                                                     nvembed::Index);
extern template void nvembed::eigen::detail::product(const double*, nvembed::Index, nvembed::Index, nvembed::Index,
                                                     const double*, nvembed::Index, nvembed::Index, bool, double,
                                                     double*, nvembed::Index);
extern template void nvembed::eigen::detail::product(const std::complex<double>*, nvembed::Index, nvembed::Index,
                                                     nvembed::Index, const std::complex<double>*, nvembed::Index,
                                                     nvembed::Index, bool, std::complex<double>, std::complex<double>*,
                                                     nvembed::Index);
#else
#include <nvembed/eigen/product.tpp>
#endif
