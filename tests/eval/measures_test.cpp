#include <cmath>
#include <nvembed/eval/average_precision.hpp>
#include <nvembed/eval/bootstrap.hpp>
#include <nvembed/eval/correlation.hpp>
#include <nvembed/eval/f1.hpp>
#include <nvembed/eval/means.hpp>
#include <nvembed/eval/ranking.hpp>
#include <nvembed/eval/sample.hpp>
#include <nvembed/eval/v_measure.hpp>

#include "support.hpp"

using namespace eval_test;
using namespace nvembed::eval;

TEST_CASE("measures are those of scipy and scikit-learn") {
  const auto close = [](double ours, const Json& theirs) { CHECK(std::abs(ours - theirs.get<double>()) < 1e-12); };
  const Json& c = expected()["correlation"];
  const auto a = list<double>(c["a"]), b = list<double>(c["b"]);
  close(pearson(a, b), c["pearson"]);
  close(spearman(a, b), c["spearman"]);
  CHECK(std::isnan(spearman(a, std::vector<double>(a.size(), 1.0))));
  CHECK_THROWS_AS(pearson(a, std::vector<double>{1}), ShapeError);

  const Json& p = expected()["average_precision"];
  close(average_precision(list<double>(p["scores"]), list<std::uint8_t>(p["positive"])), p["value"]);
  CHECK(std::isnan(average_precision(std::vector<double>{1, 2}, std::vector<std::uint8_t>{0, 0})));

  const Json& v = expected()["v_measure"];
  close(v_measure(list<Index>(v["classes"]), list<Index>(v["clusters"])), v["value"]);
  CHECK(v_measure(std::vector<Index>{0, 0, 1}, std::vector<Index>{5, 5, 2}) == doctest::Approx(1));

  const Json& f = expected()["macro_f1"];
  close(macro_f1(list<Index>(f["truth"]), list<Index>(f["predicted"])), f["value"]);
}

TEST_CASE("measures of a ranked list") {
  const std::vector<double> gains{0, 2, 0, 1};  // and one relevant document of gain 3 that is not ranked
  const std::vector<double> relevant{1, 2, 3};
  const double best = 3 + 2 / std::log2(3.0) + 1 / std::log2(4.0);
  CHECK(ndcg(gains, relevant, 10) == doctest::Approx((2 / std::log2(3.0) + 1 / std::log2(5.0)) / best).epsilon(1e-14));
  CHECK(ndcg(gains, relevant, 2) == doctest::Approx(2 / std::log2(3.0) / (3 + 2 / std::log2(3.0))).epsilon(1e-14));
  CHECK(recall(gains, 3, 4) == doctest::Approx(2.0 / 3));
  CHECK(recall(gains, 3, 3) == doctest::Approx(1.0 / 3));
  CHECK(reciprocal_rank(gains, 10) == 0.5);
  CHECK(reciprocal_rank(gains, 1) == 0);
  CHECK(mean_precision(gains, 3) == doctest::Approx((1.0 / 2 + 2.0 / 4) / 3));
}

TEST_CASE("intervals") {
  // A mean of n draws of 0 and 1 has the deviation sqrt(p (1 - p) / n).
  std::vector<double> hits;
  for (int i = 0; i < 400; ++i) hits.push_back(i % 4 == 0);
  const Score s = mean_score(hits, 42);
  CHECK(s.value == 25);
  CHECK(s.n == 400);
  CHECK(s.replicates.size() == 1000);
  CHECK(s.ci95() == doctest::Approx(100 * 1.96 * std::sqrt(0.25 * 0.75 / 400)).epsilon(0.1));
  CHECK(mean_score(hits, 42).replicates == s.replicates);
  CHECK(mean_score(hits, 43).replicates != s.replicates);

  // Resampled alike, a constant difference has no interval.
  std::vector<double> better = hits;
  for (double& x : better) x = x / 2 + 0.5;
  const Estimate same = difference(s, s), more = difference(mean_score(better, 42), s);
  CHECK(same.value == 0);
  CHECK(same.ci95 == 0);
  CHECK(more.value == 37.5);
  CHECK(more.ci95 < s.ci95());
  hits.pop_back();
  CHECK_THROWS_AS(difference(s, mean_score(hits, 42)), InputError);

  const std::vector<std::pair<std::string, Estimate>> figures{{"b", {10, 3}}, {"a", {40, 1}}, {"b", {20, 4}}};
  const Means m = means(figures);
  REQUIRE(m.categories.size() == 2);
  CHECK(m.categories[0].first == "b");
  CHECK(m.categories[0].second.value == 15);
  CHECK(m.categories[0].second.ci95 == 2.5);
  CHECK(m.overall.value == 27.5);
  CHECK(m.overall.ci95 == doctest::Approx(std::sqrt(2.5 * 2.5 + 1) / 2));
}

TEST_CASE("samples keep their strata") {
  std::vector<Index> strata;
  for (Index i = 0; i < 3000; ++i) strata.push_back(i % 10 == 0 ? 1 : 0);
  const auto rows = stratified_sample(strata, 0.1, 7);
  CHECK(rows.size() == 300);
  CHECK(std::count_if(rows.begin(), rows.end(), [&](Index r) { return strata[static_cast<std::size_t>(r)] == 1; }) ==
        30);
  CHECK(std::is_sorted(rows.begin(), rows.end()));
  CHECK(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
  CHECK(stratified_sample(strata, 0.1, 7) == rows);
  CHECK(stratified_sample(strata, 0.1, 8) != rows);
  CHECK(stratified_sample(std::vector<Index>(500), 0.01, 1).size() == 100);  // too few say nothing
  CHECK(stratified_sample(std::vector<Index>(50), 0.01, 1).size() == 50);
}
