#include <doctest/doctest.h>

#include <nvembed/loss/cosent.hpp>
#include <nvembed/loss/cosine_mse.hpp>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/hidden_state_distillation.hpp>
#include <nvembed/loss/matryoshka.hpp>
#include <nvembed/loss/score_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <support/backends.hpp>
#include <support/parity.hpp>

using namespace nvembed;

namespace {
using B = eigen::Backend;
using T = Tensor<B, float>;

template <class L>
float value(const L& l, const typename L::Targets& targets, Shape a = {3, 4}, Shape b = {3, 4}) {
  const B be(1);
  Eval<B> cx(be);
  return l(cx, parity::random_tensor<B, float>(cx.lane(), a, 1), parity::random_tensor<B, float>(cx.lane(), b, 2),
           targets)
      .to_host(cx.lane())
      .front();
}
}  // namespace

TEST_CASE("graded pairs that cannot be compared") {
  CHECK_THROWS_AS(value(loss::Cosent{}, {{1, 2}}), InputError);
  CHECK_THROWS_AS(value(loss::Cosent{}, {{1, 2, NAN}}), InputError);
  CHECK_THROWS_AS(value(loss::Cosent{.temperature = -1}, {{1, 2, 3}}), InputError);
  CHECK_THROWS_AS(value(loss::Cosent{}, {{1, 2, 3}}, {3, 4}, {2, 4}), ShapeError);
  CHECK_THROWS_WITH_AS(value(loss::Cosent{}, {{2, 2, 2}}), "[cosent] all 3 grades are equal: nothing to rank",
                       InputError);
  CHECK(value(loss::Cosent{.empty = loss::Empty::skip}, {{2, 2, 2}}) == 0);
  CHECK_THROWS_WITH_AS(value(loss::CosineMse{}, {{0, 0, 5}}),
                       "[cosine_mse] grade 5.000000 is not a cosine: scale grades to [-1, 1]", InputError);
  CHECK_THROWS_AS(value(loss::CosineMse{}, {{0, 0, 0}}, {3, 4}, {3, 5}), ShapeError);
}

TEST_CASE("triplets that are none") {
  CHECK_THROWS_AS(value(loss::Triplet{}, {}), InputError);
  CHECK_THROWS_AS(value(loss::Triplet{}, {{0, 1, 1}}), InputError);
  CHECK_THROWS_AS(value(loss::Triplet{}, {{3, 1, 2}}), InputError);
  CHECK_THROWS_AS(value(loss::Triplet{}, {{0, -1, 2}}), InputError);
  CHECK_THROWS_AS(value(loss::Triplet{}, {{0, 1, 2}}, {3, 4}, {3, 3}), ShapeError);
  CHECK(value(loss::Triplet{-9}, {{0, 1, 2}}) == 0);
}

TEST_CASE("teachers that do not fit") {
  const loss::ScoreDistillation l;
  const std::vector<std::vector<double>> two{{1, 2}, {1, 2}, {1, 2}};
  value(l, {{{0, 1}, {0, 1}, {0, 2}}, two});
  CHECK_THROWS_AS(value(l, {{{0, 1}, {0, 1}}, two}), InputError);
  CHECK_THROWS_AS(value(l, {{{0, 1}, {0, 1}, {0, 1, 2}}, two}), InputError);
  CHECK_THROWS_AS(value(l, {{{0, 1}, {0, 1}, {0, 3}}, two}), InputError);
  CHECK_THROWS_AS(value(l, {{{0, 1}, {0, 1}, {0, 0}}, two}), InputError);
  CHECK_THROWS_AS(value(l, {{{0, 1}, {0, 1}, {0}}, {{1, 2}, {1, 2}, {1}}}), InputError);
  CHECK_THROWS_AS(value(l, {{{0, 1}, {0, 1}, {0, 1}}, {{1, 2}, {1, 2}, {1, NAN}}}), InputError);
  CHECK_THROWS_AS(value(loss::ScoreDistillation{0.1, 0}, {{{0, 1}, {0, 1}, {0, 2}}, two}), InputError);
  CHECK_THROWS_AS(value(loss::EmbeddingDistillation{}, {}, {3, 4}, {3, 5}), ShapeError);

  const B be(1);
  Eval<B> cx(be);
  const auto x = parity::random_tensor<B, float>(cx.lane(), {3, 4}, 1);
  const std::vector<T> none, one{x}, three{x, x, x};
  CHECK_THROWS_AS(loss::HiddenStateDistillation{}(cx, none, none), ShapeError);
  CHECK_THROWS_AS(loss::HiddenStateDistillation{}(cx, one, three), ShapeError);
  CHECK_THROWS_AS(loss::HiddenStateDistillation{}(cx, three, one), ShapeError);
  CHECK_THROWS_AS(loss::weighted_sum(cx, one, std::vector<double>{}), ShapeError);
}

TEST_CASE("Matryoshka dims that cannot be") {
  using L = loss::Matryoshka<loss::CosineMse>;
  const loss::GradedPairs grades{{0, 0.5, 1}};
  CHECK(value(L{{}, {4}, {}}, grades) == value(loss::CosineMse{}, grades));
  CHECK_THROWS_AS(value(L{{}, {}, {}}, grades), InputError);
  CHECK_THROWS_AS(value(L{{}, {0}, {}}, grades), InputError);
  CHECK_THROWS_AS(value(L{{}, {5}, {}}, grades), InputError);
  CHECK_THROWS_AS(value(L{{}, {2, 2}, {}}, grades), InputError);
  CHECK_THROWS_AS(value(L{{}, {2, 3}, {1}}, grades), InputError);
}
