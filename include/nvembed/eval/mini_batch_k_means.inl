#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/mini_batch_k_means.hpp>
#include <nvembed/eval/search.hpp>
#include <span>
#include <utility>

namespace nvembed::eval {
namespace detail {

/// The state of one clustering: centres, and how many rows each has been moved by.
class MiniBatchKMeans {
 public:
  MiniBatchKMeans(HostMatrix x, Index clusters, Random& random, const DotProducts& dots)
      : x_(x), k_(clusters), random_(random), dots_(dots), weights_(static_cast<std::size_t>(clusters)) {
    for (Index i = 0; i < x.rows; ++i) squares_.push_back(dot(x[i], x[i]));
  }

  void fit(Index batch_size) {
    constexpr Index most_epochs = 100, patience = 10;
    const Index n = x_.rows;
    start(std::min(3 * batch_size, n));
    batch_size = std::min(batch_size, n);
    double smooth = 0, least = std::numeric_limits<double>::infinity();
    Index without_gain = 0, since_reassignment = 0;
    std::vector<Index> batch(static_cast<std::size_t>(batch_size));
    const Index steps = most_epochs * n / batch_size;
    for (Index step = 0; step < steps; ++step) {
      for (Index& i : batch) i = random_.below(n);
      since_reassignment += batch_size;
      const bool unused = std::any_of(weights_.begin(), weights_.end(), [](double w) { return w == 0; });
      const bool reassign = unused || since_reassignment >= 10 * k_;
      if (reassign) since_reassignment = 0;
      const double inertia = move(batch, reassign) / static_cast<double>(batch_size);
      if (step == 0) continue;  // the starting centres' inertia says nothing
      const double share = std::min(1.0, 2.0 * static_cast<double>(batch_size) / static_cast<double>(n + 1));
      smooth = step == 1 ? inertia : smooth * (1 - share) + inertia * share;
      without_gain = smooth < least ? 0 : without_gain + 1;
      least = std::min(least, smooth);
      if (without_gain >= patience) break;
    }
  }

  /// The nearest centre of each of `rows`; returns the sum of squared distances to them.
  double label(std::span<const Index> rows, std::vector<Index>& labels) const {
    constexpr Index block = 1024;
    const Index dim = x_.cols;
    std::vector<double> centre_squares;
    const HostMatrix centres{centres_.data(), k_, dim};
    for (Index c = 0; c < k_; ++c) centre_squares.push_back(dot(centres[c], centres[c]));
    labels.clear();
    double inertia = 0;
    std::vector<float> scores;
    for (std::size_t begin = 0; begin < rows.size(); begin += block) {
      const auto part = rows.subspan(begin, std::min<std::size_t>(block, rows.size() - begin));
      const std::vector<float> gathered = gather(x_, part);
      scores.resize(part.size() * static_cast<std::size_t>(k_));
      dots_({gathered.data(), static_cast<Index>(part.size()), dim}, centres, scores.data());
      for (std::size_t r = 0; r < part.size(); ++r) {
        const float* s = scores.data() + r * static_cast<std::size_t>(k_);
        Index best = 0;
        double least = std::numeric_limits<double>::infinity();
        for (Index c = 0; c < k_; ++c) {
          const double d = centre_squares[static_cast<std::size_t>(c)] - 2 * static_cast<double>(s[c]);
          if (d < least) least = d, best = c;
        }
        labels.push_back(best);
        inertia += std::max(0.0, least + squares_[static_cast<std::size_t>(part[r])]);
      }
    }
    return inertia;
  }

 private:
  void set_centre(Index c, Index row) { std::copy_n(x_.row(row), x_.cols, centres_.begin() + c * x_.cols); }

  /// Greedy k-means++ (Arthur and Vassilvitskii 2007): each next centre is the best of 2 + log k rows, drawn with
  /// probabilities that grow with the squared distance to the nearest centre so far.
  void start(Index sample_size) {
    std::vector<Index> sample(static_cast<std::size_t>(x_.rows));
    std::iota(sample.begin(), sample.end(), Index{0});
    random_.shuffle(sample);
    sample.resize(static_cast<std::size_t>(std::max(sample_size, k_)));
    const Index n = static_cast<Index>(sample.size()), dim = x_.cols;
    const std::vector<float> rows = gather(x_, sample);
    centres_.assign(static_cast<std::size_t>(k_ * dim), 0.0f);
    const Index trials = 2 + static_cast<Index>(std::log(static_cast<double>(k_)));

    std::vector<double> distance(static_cast<std::size_t>(n), std::numeric_limits<double>::infinity());
    const auto squared = [&](Index i) {
      return squares_[static_cast<std::size_t>(sample[static_cast<std::size_t>(i)])];
    };
    std::vector<float> scores;
    for (Index c = 0; c < k_; ++c) {
      std::vector<Index> drawn;
      if (c == 0) {
        drawn.push_back(random_.below(n));
      } else {
        const double total = std::accumulate(distance.begin(), distance.end(), 0.0);
        for (Index t = 0; t < trials; ++t) {
          double left = random_.uniform() * total;
          Index i = 0;
          while (i + 1 < n && (left -= distance[static_cast<std::size_t>(i)]) > 0) ++i;
          drawn.push_back(i);
        }
      }
      const std::vector<float> tried = gather({rows.data(), n, dim}, drawn);
      scores.resize(drawn.size() * static_cast<std::size_t>(n));
      dots_({tried.data(), static_cast<Index>(drawn.size()), dim}, {rows.data(), n, dim}, scores.data());
      std::vector<double> best, now(static_cast<std::size_t>(n));
      double least = std::numeric_limits<double>::infinity();
      Index chosen = drawn.front();
      for (std::size_t t = 0; t < drawn.size(); ++t) {
        double sum = 0;
        for (Index i = 0; i < n; ++i) {
          const double product =
              static_cast<double>(scores[t * static_cast<std::size_t>(n) + static_cast<std::size_t>(i)]);
          const double d = std::max(0.0, squared(i) + squared(drawn[t]) - 2 * product);
          sum += now[static_cast<std::size_t>(i)] = std::min(d, distance[static_cast<std::size_t>(i)]);
        }
        if (sum < least) least = sum, best = now, chosen = drawn[t];
      }
      if (!best.empty()) distance = std::move(best);
      set_centre(c, sample[static_cast<std::size_t>(chosen)]);
    }
  }

  /// Moves the centres to the mean of all rows they have been given so far; returns the batch's inertia.
  double move(const std::vector<Index>& batch, bool reassign) {
    const Index dim = x_.cols;
    std::vector<Index> labels;
    const double inertia = label(batch, labels);
    std::vector<double> sums(centres_.size()), counts(weights_.size());
    for (std::size_t r = 0; r < batch.size(); ++r) {
      const float* row = x_.row(batch[r]);
      double* sum = sums.data() + labels[r] * dim;
      for (Index c = 0; c < dim; ++c) sum[c] += static_cast<double>(row[c]);
      ++counts[static_cast<std::size_t>(labels[r])];
    }
    for (Index c = 0; c < k_; ++c) {
      const std::size_t at = static_cast<std::size_t>(c);
      if (counts[at] == 0) continue;
      const double before = weights_[at];
      weights_[at] += counts[at];
      for (Index j = 0; j < dim; ++j) {
        float& centre = centres_[static_cast<std::size_t>(c * dim + j)];
        centre = static_cast<float>(
            (static_cast<double>(centre) * before + sums[static_cast<std::size_t>(c * dim + j)]) / weights_[at]);
      }
    }
    if (reassign) place_anew(batch);
    return inertia;
  }

  /// Centres chosen less than a hundredth as often as the most popular go to rows of the batch.
  void place_anew(std::vector<Index> batch) {
    const double bound = 0.01 * *std::max_element(weights_.begin(), weights_.end());
    std::vector<Index> lonely;
    double least_kept = std::numeric_limits<double>::infinity();
    for (Index c = 0; c < k_; ++c)
      if (weights_[static_cast<std::size_t>(c)] < bound) lonely.push_back(c);
    std::sort(lonely.begin(), lonely.end(), [&](Index a, Index b) {
      return weights_[static_cast<std::size_t>(a)] < weights_[static_cast<std::size_t>(b)];
    });
    lonely.resize(std::min(lonely.size(), batch.size() / 2));
    for (Index c = 0; c < k_; ++c)
      if (std::find(lonely.begin(), lonely.end(), c) == lonely.end())
        least_kept = std::min(least_kept, weights_[static_cast<std::size_t>(c)]);
    random_.shuffle(batch);
    for (std::size_t i = 0; i < lonely.size(); ++i) {
      set_centre(lonely[i], batch[i]);
      weights_[static_cast<std::size_t>(lonely[i])] = least_kept;
    }
  }

  HostMatrix x_;
  Index k_;
  Random& random_;
  const DotProducts& dots_;
  std::vector<double> weights_, squares_;
  std::vector<float> centres_;
};

}  // namespace detail

NVEMBED_INLINE std::vector<Index> mini_batch_k_means(HostMatrix x, Index clusters, Index batch_size, Random& random,
                                                     const DotProducts& dots) {
  require<InputError>(clusters >= 1 && x.rows >= clusters, "k_means", x.rows, " rows for ", clusters, " clusters");
  detail::MiniBatchKMeans model(x, clusters, random, dots);
  model.fit(batch_size);
  std::vector<Index> rows(static_cast<std::size_t>(x.rows)), labels;
  std::iota(rows.begin(), rows.end(), Index{0});
  model.label(rows, labels);
  return labels;
}

}  // namespace nvembed::eval
