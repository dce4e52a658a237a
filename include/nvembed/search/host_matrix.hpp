#pragma once

#include <nvembed/core/shape.hpp>
#include <span>
#include <vector>

namespace nvembed::search {

/// A matrix on the host, row-major, borrowed.
struct HostMatrix {
  const float* data = nullptr;
  Index rows = 0, cols = 0;

  const float* row(Index i) const { return data + i * cols; }
  std::span<const float> operator[](Index i) const { return {row(i), static_cast<std::size_t>(cols)}; }
};

/// The given rows of a matrix, one behind the other.
inline std::vector<float> gather(HostMatrix m, std::span<const Index> rows) {
  std::vector<float> values;
  values.reserve(rows.size() * static_cast<std::size_t>(m.cols));
  for (const Index i : rows) values.insert(values.end(), m.row(i), m.row(i) + m.cols);
  return values;
}

}  // namespace nvembed::search
