#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <nvembed/autograd/eval.hpp>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/loss/cosent.hpp>
#include <nvembed/loss/cosine_mse.hpp>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/loss/matryoshka.hpp>
#include <nvembed/loss/score_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <support/backends.hpp>
#include <support/golden.hpp>

using namespace nvembed;

namespace {

std::vector<double> values(const Json& x) { return x.at("values").get<std::vector<double>>(); }

/// A case of losses.json: value and both gradients of `l`.
template <class B, class T, class L>
void compare(const Json& c, const L& l, const typename L::Targets& targets, double tolerance) {
  CAPTURE(c.at("name").get<std::string>());
  const B be(2);
  const Trainable none;
  const auto load = [&](auto& cx, const char* side) {
    const auto v = values(c.at(side));
    const auto shape = c.at(side).at("shape").get<std::vector<Index>>();
    return Tensor<B, T>::from_host(cx.lane(), {shape[0], shape[1]}, std::vector<T>(v.begin(), v.end()));
  };
  Tape<B, T> tape(be, none);
  const auto da = std::make_shared<Tensor<B, T>>(), db = std::make_shared<Tensor<B, T>>();
  const auto y = l(tape, tape.input(load(tape, "a"), da), tape.input(load(tape, "b"), db), targets);
  const double expected = c.at("value").get<double>();
  const T found = y.value.to_host(tape.lane()).front(), one(1);
  CHECK(std::abs(static_cast<double>(found) - expected) <= tolerance * (1 + std::abs(expected)));

  Eval<B> eval(be);
  CHECK(l(eval, load(eval, "a"), load(eval, "b"), targets).to_host(eval.lane()).front() == found);

  std::move(tape).backward(y, Tensor<B, T>::from_host(tape.lane(), {1, 1}, {&one, 1}));
  for (const auto& [gradient, name] : {std::pair(da, "da"), std::pair(db, "db")}) {
    const auto judge = values(c.at(name));
    double largest = 0;
    for (const double x : judge) largest = std::max(largest, std::abs(x));
    REQUIRE(*gradient);
    CHECK(max_abs_difference(gradient->to_host(tape.lane()), judge) <= tolerance * largest);
  }
}

template <class B, class T>
void compare_all(double tolerance) {
  const Json all = golden::json("loss/losses.json");
  std::map<std::string, std::function<void(const Json&)>> cases;
  const auto add = [&](const std::string& name, auto l, auto targets) {
    cases[name] = [=](const Json& c) { compare<B, T>(c, l, targets, tolerance); };
  };
  const loss::ContrastiveTargets hard{
      .positive = {0, 1, 2, 3}, .negatives = {{4, 5}, {6}, {7}, {8}}, .in_batch = {false, false, false, false}};
  auto in_batch = hard, mixed = hard, masked = hard;
  in_batch.in_batch = {true, true, true, true};
  mixed.in_batch = {true, false, true, false};
  masked.in_batch = in_batch.in_batch;
  masked.passage_text = {0, 1, 2, 2, 4, 5, 6, 7, 8};
  masked.known_positives = {{1}, {}, {}, {}};
  const loss::InfoNce info_nce{.temperature = 0.1};
  auto others = info_nce, both = info_nce, margin = info_nce;
  others.others_hard_negatives = true;
  both.both_directions = true;
  margin.margin = -0.1;
  add("info_nce_hard", info_nce, hard);
  add("info_nce_in_batch", info_nce, in_batch);
  add("info_nce_all", others, in_batch);
  add("info_nce_mixed", info_nce, mixed);
  add("info_nce_both", both, in_batch);
  add("info_nce_masked", both, masked);
  add("info_nce_margin", margin, in_batch);
  add("matryoshka", loss::Matryoshka<loss::InfoNce>{info_nce, {6, 4, 2}, {1, 0.5, 0.25}}, in_batch);
  const loss::Triplet::Targets triplets{{0, 0, 4}, {0, 0, 5}, {1, 1, 6}, {2, 2, 7}, {3, 3, 8}, {3, 3, 0}};
  add("triplet_cosine", loss::Triplet{0.3}, triplets);
  add("triplet_euclidean", loss::Triplet{0.3, loss::TripletDistance::euclidean}, triplets);
  const loss::GradedPairs graded{{0.2, 0.9, 0.2, -0.4, 0.6}};
  add("cosent", loss::Cosent{}, graded);
  add("cosine_mse", loss::CosineMse{}, graded);
  const loss::TeacherScores teacher{{{0, 4, 5}, {1, 6, 0}, {2, 7}, {3, 8, 1, 2}},
                                    {{5, 1.5, -2}, {3, 2.5, 0}, {0.5, 1}, {4, 4.5, -1, 2}}};
  add("score_distillation", loss::ScoreDistillation{0.1, 2}, teacher);
  using loss::EmbeddingDistillation;
  add("embedding_cosine", EmbeddingDistillation{}, EmbeddingDistillation::Targets{});
  add("embedding_mse", EmbeddingDistillation{loss::EmbeddingDistance::mse}, EmbeddingDistillation::Targets{});
  CHECK(all.size() == cases.size());
  for (const Json& c : all) cases.at(c.at("name").get<std::string>())(c);
}

}  // namespace

TEST_CASE("losses and their gradients are PyTorch's, in double") { compare_all<eigen::Backend, double>(1e-10); }

TEST_CASE("losses and their gradients are PyTorch's, in float") {
  compare_all<eigen::Backend, float>(1e-5);
#if defined(NVEMBED_WITH_ONEDNN)
  compare_all<onednn::Backend, float>(1e-5);
#endif
}
