#pragma once

#include <algorithm>
#include <cmath>
#include <nvembed/eval/principal_components.hpp>
#include <nvembed/eval/random.hpp>
#include <nvembed/eval/search.hpp>

namespace nvembed::eval {

NVEMBED_INLINE std::vector<double> principal_components(HostMatrix x, Index count) {
  constexpr int rounds = 60;
  const std::size_t n = static_cast<std::size_t>(x.rows), dim = static_cast<std::size_t>(x.cols);
  std::vector<double> mean(dim);
  for (Index i = 0; i < x.rows; ++i)
    for (std::size_t c = 0; c < dim; ++c) mean[c] += static_cast<double>(x.row(i)[c]) / static_cast<double>(n);

  // Along each direction at once: coordinates = (x - mean) v, then v = (x - mean)^T coordinates, made orthogonal.
  const std::size_t k = static_cast<std::size_t>(count);
  std::vector<std::vector<double>> directions(k, std::vector<double>(dim));
  Random random(1);
  for (auto& v : directions)
    for (double& c : v) c = random.uniform() - 0.5;
  std::vector<double> coordinates(n * k);
  const auto orthonormalize = [&] {
    for (std::size_t a = 0; a < k; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        const double along = dot<double>(directions[a], directions[b]);
        for (std::size_t c = 0; c < dim; ++c) directions[a][c] -= along * directions[b][c];
      }
      const double length = std::sqrt(dot<double>(directions[a], directions[a]));
      if (length > 0)
        for (double& c : directions[a]) c /= length;
    }
  };
  const auto project = [&] {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t a = 0; a < k; ++a) {
        double sum = 0;
        for (std::size_t c = 0; c < dim; ++c)
          sum += (static_cast<double>(x.row(static_cast<Index>(i))[c]) - mean[c]) * directions[a][c];
        coordinates[i * k + a] = sum;
      }
  };
  orthonormalize();
  for (int round = 0; round < rounds; ++round) {
    project();
    for (auto& v : directions) std::fill(v.begin(), v.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t a = 0; a < k; ++a) {
        const double weight = coordinates[i * k + a];
        for (std::size_t c = 0; c < dim; ++c)
          directions[a][c] += weight * (static_cast<double>(x.row(static_cast<Index>(i))[c]) - mean[c]);
      }
    orthonormalize();
  }
  for (auto& v : directions) {
    const auto largest =
        std::max_element(v.begin(), v.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (largest != v.end() && *largest < 0)
      for (double& c : v) c = -c;
  }
  project();
  return coordinates;
}

}  // namespace nvembed::eval
