#pragma once

#include <cmath>
#include <map>
#include <nvembed/core/error.hpp>
#include <nvembed/core/shape.hpp>
#include <span>
#include <utility>

namespace nvembed::eval {

/// V-measure of a clustering against classes: the harmonic mean of homogeneity and completeness (Rosenberg and
/// Hirschberg 2007), in [0, 1]. Throws ShapeError where the sizes differ.
inline double v_measure(std::span<const Index> classes, std::span<const Index> clusters) {
  require<ShapeError>(classes.size() == clusters.size(), "v_measure", classes.size(), " classes and ", clusters.size(),
                      " clusters");
  if (classes.empty()) return 1;
  std::map<Index, double> by_class, by_cluster;
  std::map<std::pair<Index, Index>, double> both;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    ++by_class[classes[i]], ++by_cluster[clusters[i]];
    ++both[{classes[i], clusters[i]}];
  }
  const double n = static_cast<double>(classes.size());
  const auto entropy = [&](const auto& counts) {
    double h = 0;
    for (const auto& [key, count] : counts) h -= count / n * std::log(count / n);
    return h;
  };
  const double class_entropy = entropy(by_class), cluster_entropy = entropy(by_cluster);
  const double shared = class_entropy + cluster_entropy - entropy(both);  // mutual information
  const double homogeneity = class_entropy > 0 ? shared / class_entropy : 1;
  const double completeness = cluster_entropy > 0 ? shared / cluster_entropy : 1;
  return homogeneity + completeness > 0 ? 2 * homogeneity * completeness / (homogeneity + completeness) : 0;
}

}  // namespace nvembed::eval
