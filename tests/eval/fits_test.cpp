#include <algorithm>
#include <cmath>
#include <nvembed/eval/logistic_regression.hpp>
#include <nvembed/eval/mini_batch_k_means.hpp>
#include <nvembed/eval/principal_components.hpp>
#include <nvembed/eval/v_measure.hpp>

#include "support.hpp"

using namespace eval_test;
using namespace nvembed::eval;

TEST_CASE("logistic regression is scikit-learn's") {
  for (const Json& c : expected()["logistic_regression"]) {
    const auto x = list<float>(c["x"]);
    const auto labels = list<Index>(c["labels"]);
    const Index dim = static_cast<Index>(x.size() / labels.size()), train = 60;
    const Index classes = *std::max_element(labels.begin(), labels.end()) + 1;
    const HostMatrix all{x.data(), static_cast<Index>(labels.size()), dim};
    const LogisticRegression model({x.data(), train, dim}, std::span(labels).first(static_cast<std::size_t>(train)),
                                   classes, dots());
    auto theirs = list<double>(c["coefficients"]);
    for (const double b : list<double>(c["intercepts"])) theirs.push_back(b);
    const auto ours = model.coefficients();
    REQUIRE(ours.size() == theirs.size());
    // The fit stops at a gradient of 1e-4 of the mean loss, theirs went to the end; intercepts of several classes are
    // known up to a constant.
    double shift = 0;
    const std::size_t outputs =
        theirs.size() - static_cast<std::size_t>(dim) * (classes == 2 ? 1 : static_cast<std::size_t>(classes));
    if (classes > 2)
      for (std::size_t i = ours.size() - outputs; i < ours.size(); ++i)
        shift += (theirs[i] - static_cast<double>(ours[i])) / static_cast<double>(outputs);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const double extra = i >= ours.size() - outputs ? shift : 0;
      CHECK(std::abs(static_cast<double>(ours[i]) + extra - theirs[i]) < 0.02);
    }
    const HostMatrix test{x.data() + train * dim, all.rows - train, dim};
    CHECK(model.predict(test, dots()) == list<Index>(c["predicted"]));
  }
  const std::vector<float> x{1, 2};
  const std::vector<Index> one{0, 0};
  CHECK_THROWS_AS(LogisticRegression({x.data(), 2, 1}, one, 1, dots()), InputError);
}

TEST_CASE("mini-batch k-means finds clusters as well as scikit-learn's, over many seeds") {
  const Json& c = expected()["k_means"];
  const auto x = list<float>(c["x"]);
  const auto labels = list<Index>(c["labels"]);
  const HostMatrix m{x.data(), static_cast<Index>(labels.size()), static_cast<Index>(x.size() / labels.size())};
  constexpr int seeds = 200;
  double mean = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    Random random(static_cast<std::uint64_t>(seed));
    mean += v_measure(labels, mini_batch_k_means(m, 6, 64, random, dots())) / seeds;
  }
  // Two means of 200 differ by three of their deviations at most.
  const double deviation = c["deviation"].get<double>() * std::sqrt(2.0 / seeds);
  CHECK(std::abs(mean - c["mean"].get<double>()) < 3 * deviation);
  Random random(1);
  CHECK_THROWS_AS(mini_batch_k_means({x.data(), 3, m.cols}, 4, 64, random, dots()), InputError);
}

TEST_CASE("principal components") {
  // A cloud that is long along (3, 4, 0) / 5 and less so along (0, 0, 1).
  std::vector<float> x;
  for (int i = 0; i < 50; ++i) {
    const float a = static_cast<float>(i - 25), b = static_cast<float>((i * 7) % 11 - 5) * 0.5f;
    x.insert(x.end(), {0.6f * a + 10, 0.8f * a, b});
  }
  const auto p = principal_components({x.data(), 50, 3}, 2);
  double b_mean = 0;
  for (int i = 0; i < 50; ++i) b_mean += static_cast<double>((i * 7) % 11 - 5) * 0.5 / 50;
  // The two directions are all but uncorrelated, so each coordinate is its direction's own up to a slight turn.
  for (int i = 0; i < 50; ++i) {
    CHECK(p[static_cast<std::size_t>(2 * i)] == doctest::Approx(i - 24.5).epsilon(0.02).scale(25));
    CHECK(p[static_cast<std::size_t>(2 * i + 1)] ==
          doctest::Approx(static_cast<double>((i * 7) % 11 - 5) * 0.5 - b_mean).epsilon(0.1).scale(5));
  }
}
