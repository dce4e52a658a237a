#pragma once

#include <cmath>
#include <nvembed/core/shape.hpp>
#include <span>
#include <vector>

namespace nvembed::search {

/// Dot product in double.
template <class T>
double dot(std::span<const T> a, std::span<const T> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

inline double norm(std::span<const float> x) { return std::sqrt(dot(x, x)); }

/// Brings rows of `dim` components to unit length; zero rows stay.
inline void normalize_rows(std::vector<float>& rows, Index dim) {
  for (std::size_t at = 0; at < rows.size(); at += static_cast<std::size_t>(dim)) {
    const std::span<float> row = std::span(rows).subspan(at, static_cast<std::size_t>(dim));
    const double length = norm(row);
    if (length > 0)
      for (float& x : row) x = static_cast<float>(static_cast<double>(x) / length);
  }
}

}  // namespace nvembed::search
