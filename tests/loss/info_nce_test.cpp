#include <doctest/doctest.h>

#include <nvembed/autograd/tape.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <support/backends.hpp>
#include <support/parity.hpp>

using namespace nvembed;

namespace {

using Counts = loss::InfoNceCounts;

struct Result {
  double value = 0;
  std::vector<double> dq, dp;
};

/// Value and gradients on back end B of vectors that were rounded to float.
template <class B, class T>
Result run(const loss::InfoNce& l, const loss::ContrastiveTargets& targets, const std::vector<float>& q,
           const std::vector<float>& p, Index d) {
  const B be(2);
  const Trainable none;
  Tape<B, T> tape(be, none);
  const auto load = [&](const std::vector<float>& x) {
    const std::vector<T> v(x.begin(), x.end());
    return Tensor<B, T>::from_host(tape.lane(), {static_cast<Index>(x.size()) / d, d}, v);
  };
  const auto dq = std::make_shared<Tensor<B, T>>(), dp = std::make_shared<Tensor<B, T>>();
  const auto y = l(tape, tape.input(load(q), dq), tape.input(load(p), dp), targets);
  Result r{static_cast<double>(y.value.to_host(tape.lane()).front()), {}, {}};
  const T one(1);
  std::move(tape).backward(y, Tensor<B, T>::from_host(tape.lane(), {1, 1}, {&one, 1}));
  const auto a = dq->to_host(tape.lane()), b = dp->to_host(tape.lane());
  r.dq.assign(a.begin(), a.end());
  r.dp.assign(b.begin(), b.end());
  return r;
}

std::vector<float> unit(Index n, Index d, std::uint64_t seed) {
  using B = eigen::Backend;
  const B be(1);
  Eval<B> cx(be);
  return cx.apply(ops::L2Normalize{}, parity::random_tensor<B, float>(cx.lane(), {n, d}, seed)).to_host(cx.lane());
}

double largest(const std::vector<double>& x) {
  double most = 0;
  for (const double v : x) most = std::max(most, std::abs(v));
  return most;
}

template <class B>
void agrees(const loss::InfoNce& l, const loss::ContrastiveTargets& targets, const std::vector<float>& q,
            const std::vector<float>& p, Index d) {
  const Result ours = run<B, float>(l, targets, q, p, d);
  const Result judge = run<eigen::Backend, double>(l, targets, q, p, d);
  CHECK(std::isfinite(ours.value));
  // A float score is off by up to 1e-7, which the temperature makes 1e-5 of a logit.
  CHECK(std::abs(ours.value - judge.value) <= 3e-5 * (1 + judge.value));
  CHECK(max_abs_difference(ours.dq, judge.dq) <= 1e-4 * largest(judge.dq));
  CHECK(max_abs_difference(ours.dp, judge.dp) <= 1e-4 * largest(judge.dp));
}

}  // namespace

TEST_CASE_TEMPLATE("InfoNCE is stable at temperature 0.01 with 4096 negatives", B, eigen::Backend
#if defined(NVEMBED_WITH_ONEDNN)
                   ,
                   onednn::Backend
#endif
) {
  const Index n = 3, m = 4099, d = 32;
  loss::ContrastiveTargets targets{.positive = {0, 1, 2}, .negatives = {{}, {}, {}}, .in_batch = {false, true, false}};
  for (Index j = 3; j < m; ++j)
    for (auto& list : targets.negatives) list.push_back(j);
  const auto q = unit(n, d, 1);
  auto p = unit(m, d, 2);
  const loss::InfoNce l{.temperature = 0.01};
  agrees<B>(l, targets, q, p, d);  // a random positive
  std::copy(q.begin(), q.end(), p.begin());
  agrees<B>(l, targets, q, p, d);  // the query itself
  for (Index c = 0; c < d; ++c) p[static_cast<std::size_t>(c)] = -q[static_cast<std::size_t>(c)];
  for (Index c = 0; c < d; ++c) p[static_cast<std::size_t>(3 * d + c)] = q[static_cast<std::size_t>(c)];
  agrees<B>(l, targets, q, p, d);  // the opposite of the query, and a negative that is the query: logits 200 apart
}

TEST_CASE("InfoNCE by hand, and far below 1") {
  // A positive at 1, one negative at s: log(1 + exp((s - 1) / t)), which 1 + x would round to 0.
  const std::vector<float> q{1, 0}, p{1, 0, -1, 0};
  const loss::ContrastiveTargets targets{.positive = {0}, .negatives = {{1}}, .in_batch = {false}};
  const auto r = run<eigen::Backend, double>(loss::InfoNce{.temperature = 0.02}, targets, q, p, 2);
  const double tiny = std::exp(-100.0);
  CHECK(r.value == doctest::Approx(tiny).epsilon(1e-12));
  CHECK(r.dq[0] == doctest::Approx(-2 * tiny / 0.02).epsilon(1e-12));
  CHECK(r.dp[0] == doctest::Approx(-tiny / 0.02).epsilon(1e-12));
  CHECK(r.dp[2] == doctest::Approx(tiny / 0.02).epsilon(1e-12));
}

TEST_CASE("InfoNCE: masked candidates and skipped queries have no gradient, and are counted") {
  const Index d = 8;
  const auto q = unit(3, d, 3), p = unit(5, d, 4);
  const auto counts = std::make_shared<Counts>();
  const loss::InfoNce l{.empty = loss::Empty::skip, .counts = counts};
  // The third query's positive has the text of the first two's, so it is alone; passage 4 is nobody's.
  loss::ContrastiveTargets targets{.positive = {0, 1, 2},
                                   .negatives = {{3}, {}, {}},
                                   .in_batch = {true, true, true},
                                   .query_text = {},
                                   .passage_text = {5, 6, 7, 8, 9},
                                   .known_positives = {{}, {}, {0, 1}}};
  const Result r = run<eigen::Backend, double>(l, targets, q, p, d);
  CHECK(counts->rows == 2);
  CHECK(counts->skipped == 1);
  CHECK(counts->negatives == 3 + 2);
  CHECK(counts->masked_right == 2);
  CHECK(counts->masked_score == 0);
  CHECK(largest({r.dq.begin() + 2 * d, r.dq.end()}) == 0);
  CHECK(largest({r.dp.begin() + 4 * d, r.dp.end()}) == 0);
  CHECK(largest({r.dp.begin() + 3 * d, r.dp.begin() + 4 * d}) > 0);

  loss::InfoNce strict = l;
  strict.empty = loss::Empty::error;
  CHECK_THROWS_WITH_AS((run<eigen::Backend, double>(strict, targets, q, p, d)),
                       "[info_nce] query 2 has no negatives: none is named, or all are masked", InputError);
  targets.known_positives.clear();
  targets.passage_text = {5, 5, 5, 5, 5};
  CHECK_THROWS_WITH_AS((run<eigen::Backend, double>(l, targets, q, p, d)), "[info_nce] no query has a negative",
                       InputError);
  targets.passage_text.clear();
  loss::InfoNce below = strict;
  below.margin = -5;
  targets.negatives.clear();
  CHECK_THROWS_AS((run<eigen::Backend, double>(below, targets, q, p, d)), InputError);
}

TEST_CASE("InfoNCE: texts") {
  const Index d = 8;
  const auto q = unit(3, d, 3), p = unit(4, d, 4);
  const auto counts = std::make_shared<Counts>();
  const loss::InfoNce l{.others_hard_negatives = true, .counts = counts};
  loss::ContrastiveTargets targets{.positive = {0, 1, 2},
                                   .negatives = {{3}, {}, {}},
                                   .in_batch = {true, true, true},
                                   .query_text = {1, 1, 2},
                                   .passage_text = {5, 6, 7, 2},
                                   .known_positives = {}};
  run<eigen::Backend, double>(l, targets, q, p, d);
  // Queries 0 and 1 are the same, so each answers for the other; passage 3 is the text of query 2.
  CHECK(counts->masked_right == 3);
  CHECK(counts->negatives == 2 + 2 + 2);
}

TEST_CASE("InfoNCE: what it refuses") {
  const Index d = 4;
  const auto q = unit(2, d, 3), p = unit(3, d, 4);
  const loss::ContrastiveTargets good{.positive = {0, 1}, .negatives = {{2}, {}}, .in_batch = {true, true}};
  const auto refused = [&](const loss::InfoNce& l, const loss::ContrastiveTargets& targets, const std::string& why) {
    CHECK_THROWS_WITH_AS((run<eigen::Backend, float>(l, targets, q, p, d)), ("[info_nce] " + why).c_str(), InputError);
  };
  const auto changed = [&](auto&& f) {
    auto targets = good;
    f(targets);
    return targets;
  };
  run<eigen::Backend, float>({}, good, q, p, d);
  refused({.temperature = 0}, good, "temperature 0.000000 is not above 0");
  refused({}, changed([](auto& t) { t.positive = {0}; }), "positive has 1 entries, not 2");
  refused({}, changed([](auto& t) { t.positive = {0, 3}; }), "positive of query 1 is 3, there are 3 passages");
  refused({}, changed([](auto& t) { t.positive = {-1, 1}; }), "positive of query 0 is -1, there are 3 passages");
  refused({}, changed([](auto& t) { t.in_batch = {}; }), "in_batch has 0 entries, not 2");
  refused({}, changed([](auto& t) { t.negatives = {{2}}; }), "negatives has 1 entries, not 2");
  refused({}, changed([](auto& t) { t.negatives = {{2}, {1}}; }), "passage 1 is positive and negative of query 1");
  refused({}, changed([](auto& t) { t.negatives = {{2}, {7}}; }), "negatives of query 1 is 7, there are 3 passages");
  refused({}, changed([](auto& t) { t.query_text = {1}; }), "query_text has 1 entries, not 2");
  refused({}, changed([](auto& t) { t.passage_text = {1, 2}; }), "passage_text has 2 entries, not 3");
  refused({}, changed([](auto& t) { t.known_positives = {{}}; }), "known_positives has 1 entries, not 2");
  refused({}, changed([](auto& t) {
            t.in_batch = {true, false};
          }),
          "query 1 has no negatives: none is named, or all are masked");
  refused({.both_directions = true}, changed([](auto& t) {
            t.in_batch = {false, false};
            t.negatives = {{2}, {2}};
          }),
          "no positive of query has in-batch negatives");
  CHECK_THROWS_AS((run<eigen::Backend, float>({}, good, unit(2, d, 3), unit(3, d + 1, 4), d)), Error);
  // A batch of one.
  CHECK_THROWS_AS((run<eigen::Backend, float>({}, {.positive = {0}, .negatives = {}, .in_batch = {true}}, unit(1, d, 3),
                                              unit(1, d, 4), d)),
                  InputError);
}
