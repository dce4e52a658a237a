#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/logistic_regression.hpp>
#include <nvembed/eval/search.hpp>
#include <utility>

namespace nvembed::eval {
namespace detail {

/// Minimises a smooth convex function by L-BFGS (Nocedal and Wright 2006, algorithm 7.5) with a backtracking and
/// extending search for the strong Wolfe conditions. `f(x, gradient)` returns the value and writes the gradient.
template <class F>
std::vector<double> minimise(std::vector<double> x, F&& f, double tolerance, int iterations) {
  constexpr std::size_t memory = 10;
  constexpr double sufficient = 1e-4, curvature = 0.9;
  struct Step {
    std::vector<double> s, y;
    double rho;
  };
  std::deque<Step> history;
  std::vector<double> gradient(x.size());
  double value = f(x, gradient);
  const auto largest = [](const std::vector<double>& g) {
    double most = 0;
    for (const double v : g) most = std::max(most, std::abs(v));
    return most;
  };
  for (int k = 0; k < iterations && largest(gradient) > tolerance; ++k) {
    std::vector<double> direction = gradient;
    std::vector<double> alpha(history.size());
    for (std::size_t i = history.size(); i-- > 0;) {
      alpha[i] = history[i].rho * dot<double>(history[i].s, direction);
      for (std::size_t j = 0; j < x.size(); ++j) direction[j] -= alpha[i] * history[i].y[j];
    }
    const double scale = history.empty() ? 1 / std::sqrt(dot<double>(gradient, gradient))
                                         : 1 / (history.back().rho * dot<double>(history.back().y, history.back().y));
    for (double& d : direction) d *= scale;
    for (std::size_t i = 0; i < history.size(); ++i) {
      const double beta = history[i].rho * dot<double>(history[i].y, direction);
      for (std::size_t j = 0; j < x.size(); ++j) direction[j] += (alpha[i] - beta) * history[i].s[j];
    }
    for (double& d : direction) d = -d;

    const double slope = dot<double>(gradient, direction);
    if (!(slope < 0)) break;
    // Bisection between the longest step that is too short and the shortest that is too long.
    double step = 1, low = 0, high = 0, next_value = value;
    std::vector<double> next(x.size()), next_gradient(x.size());
    for (int tries = 0; tries < 30; ++tries) {
      for (std::size_t j = 0; j < x.size(); ++j) next[j] = x[j] + step * direction[j];
      next_value = f(next, next_gradient);
      const double next_slope = dot<double>(next_gradient, direction);
      if (!(next_value <= value + sufficient * step * slope))
        high = step;
      else if (next_slope < curvature * slope)
        low = step;
      else if (next_slope > -curvature * slope)
        high = step;
      else
        break;
      step = high > 0 ? (low + high) / 2 : 2 * step;
    }
    if (!(next_value < value)) break;  // as far as the numbers reach
    Step taken{std::vector<double>(x.size()), std::vector<double>(x.size()), 0};
    for (std::size_t j = 0; j < x.size(); ++j) {
      taken.s[j] = next[j] - x[j];
      taken.y[j] = next_gradient[j] - gradient[j];
    }
    const double sy = dot<double>(taken.s, taken.y);
    x.swap(next);
    gradient.swap(next_gradient);
    value = next_value;
    if (sy <= 0) continue;
    taken.rho = 1 / sy;
    history.push_back(std::move(taken));
    if (history.size() > memory) history.pop_front();
  }
  return x;
}

}  // namespace detail

NVEMBED_INLINE LogisticRegression::LogisticRegression(HostMatrix x, std::span<const Index> labels, Index classes,
                                                      const DotProducts& dots, int iterations)
    : classes_(classes), dim_(x.cols) {
  require<InputError>(classes >= 2, "logistic_regression", classes, " class, at least two are needed");
  const Index n = x.rows, k = outputs(), size = k * dim_;
  std::vector<float> transposed(static_cast<std::size_t>(n * dim_));  // (dim, n), for the gradient's product
  for (Index i = 0; i < n; ++i)
    for (Index c = 0; c < dim_; ++c) transposed[static_cast<std::size_t>(c * n + i)] = x.row(i)[c];
  std::vector<float> w(static_cast<std::size_t>(size)), scores(static_cast<std::size_t>(n * k)),
      residual(static_cast<std::size_t>(k * n)), product(static_cast<std::size_t>(size));

  // The mean over rows of the loss, the penalty divided by n with it.
  const auto loss = [&](const std::vector<double>& p, std::vector<double>& gradient) {
    for (Index j = 0; j < size; ++j)
      w[static_cast<std::size_t>(j)] = static_cast<float>(p[static_cast<std::size_t>(j)]);
    dots(x, {w.data(), k, dim_}, scores.data());
    const double share = 1 / static_cast<double>(n);
    const double* intercepts = p.data() + size;
    double sum = 0;
    std::fill(gradient.begin(), gradient.end(), 0.0);
    std::vector<double> z(static_cast<std::size_t>(k));
    for (Index i = 0; i < n; ++i) {
      const Index label = labels[static_cast<std::size_t>(i)];
      for (Index c = 0; c < k; ++c)
        z[static_cast<std::size_t>(c)] =
            static_cast<double>(scores[static_cast<std::size_t>(i * k + c)]) + intercepts[c];
      if (k == 1) {
        const double signed_z = label ? z[0] : -z[0];
        sum += signed_z > 0 ? std::log1p(std::exp(-signed_z)) : std::log1p(std::exp(signed_z)) - signed_z;
        z[0] = 1 / (1 + std::exp(-z[0])) - (label ? 1 : 0);
      } else {
        const double most = *std::max_element(z.begin(), z.end());
        const double own = z[static_cast<std::size_t>(label)];
        double total = 0;
        for (double& v : z) total += v = std::exp(v - most);
        sum += std::log(total) + most - own;
        for (double& v : z) v /= total;
        z[static_cast<std::size_t>(label)] -= 1;
      }
      for (Index c = 0; c < k; ++c) {
        const double d = z[static_cast<std::size_t>(c)] * share;
        residual[static_cast<std::size_t>(c * n + i)] = static_cast<float>(d);
        gradient[static_cast<std::size_t>(size + c)] += d;
      }
    }
    dots({residual.data(), k, n}, {transposed.data(), dim_, n}, product.data());
    double squares = 0;
    for (Index j = 0; j < size; ++j) {
      const double v = p[static_cast<std::size_t>(j)];
      squares += v * v;
      gradient[static_cast<std::size_t>(j)] = static_cast<double>(product[static_cast<std::size_t>(j)]) + share * v;
    }
    return share * (sum + squares / 2);
  };
  const auto found = detail::minimise(std::vector<double>(static_cast<std::size_t>(size + k)), loss, 1e-4, iterations);
  weights_.assign(found.begin(), found.end());
}

NVEMBED_INLINE std::vector<Index> LogisticRegression::predict(HostMatrix x, const DotProducts& dots) const {
  const Index k = outputs();
  std::vector<float> scores(static_cast<std::size_t>(x.rows * k));
  dots(x, {weights_.data(), k, dim_}, scores.data());
  const float* intercepts = weights_.data() + k * dim_;
  std::vector<Index> predicted;
  for (Index i = 0; i < x.rows; ++i) {
    const float* z = scores.data() + i * k;
    Index best = k == 1 ? (z[0] + intercepts[0] > 0 ? 1 : 0) : 0;
    for (Index c = 1; c < k; ++c)
      if (z[c] + intercepts[c] > z[best] + intercepts[best]) best = c;
    predicted.push_back(best);
  }
  return predicted;
}

}  // namespace nvembed::eval
