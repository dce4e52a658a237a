#pragma once

#include <cmath>
#include <nvembed/core/error.hpp>
#include <nvembed/embed/embeddings.hpp>
#include <span>
#include <vector>

namespace nvembed {

/// Dot products of every row of `a` with every row of `b`, (a.rows, b.rows): cosines where rows have unit length.
struct Similarities {
  Index rows = 0, cols = 0;
  std::vector<float> values;
  float operator()(Index i, Index j) const { return values[static_cast<std::size_t>(i * cols + j)]; }
};

/// Sums in double. Throws ShapeError where the widths differ.
inline Similarities similarity(const Embeddings& a, const Embeddings& b) {
  require<ShapeError>(a.dim == b.dim, "similarity", "vectors of ", a.dim, " and of ", b.dim, " components");
  Similarities s{a.rows, b.rows, std::vector<float>(static_cast<std::size_t>(a.rows * b.rows))};
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < b.rows; ++j) {
      double sum = 0;
      const float *x = a[i].data(), *y = b[j].data();
      for (Index c = 0; c < a.dim; ++c) sum += static_cast<double>(x[c]) * static_cast<double>(y[c]);
      s.values[static_cast<std::size_t>(i * s.cols + j)] = static_cast<float>(sum);
    }
  return s;
}

/// Cosine of two vectors of any length, summed in double; 0 where one is zero. Throws ShapeError where they differ in
/// size.
inline double cosine(std::span<const float> a, std::span<const float> b) {
  require<ShapeError>(a.size() == b.size(), "cosine", "vectors of ", a.size(), " and of ", b.size(), " components");
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    ab += x * y, aa += x * x, bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

}  // namespace nvembed
