#include <doctest/doctest.h>

#include <nvembed/loss/cosent.hpp>
#include <nvembed/loss/cosine_mse.hpp>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/hidden_state_distillation.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/loss/matryoshka.hpp>
#include <nvembed/loss/score_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <nvembed/ops/l2_normalize.hpp>
#include <nvembed/ops/l2_normalize_columns.hpp>
#include <support/complex_step.hpp>

using namespace nvembed;

namespace {

/// Gradients of a loss of random unit vectors (n, 5), (m, 5).
template <class L>
void check(const L& l, const typename L::Targets& targets, Index n, Index m) {
  complex_step::check(
      [&](auto& cx, auto& a, auto& b) {
        return l(cx, cx.apply(ops::L2Normalize{}, a), cx.apply(ops::L2Normalize{}, b), targets);
      },
      {{n, 5}, {m, 5}});
}

/// Five queries, eleven passages; in-batch negatives are off for the fourth; its positive is also the fifth's.
loss::ContrastiveTargets contrastive() {
  return {.positive = {2, 0, 7, 4, 4},
          .negatives = {{1, 3}, {5}, {}, {6, 8}, {9, 10}},
          .in_batch = {true, true, true, false, true}};
}

loss::GradedPairs graded() { return {{0.1, 0.9, -0.3, 0.1, 0.6}}; }

}  // namespace

TEST_CASE("gradients of InfoNCE: negatives, directions") {
  for (const bool others : {false, true})
    for (const bool both : {false, true})
      for (const double temperature : {0.02, 0.5}) {
        CAPTURE(others);
        CAPTURE(both);
        check(loss::InfoNce{.temperature = temperature, .others_hard_negatives = others, .both_directions = both},
              contrastive(), 5, 11);
      }
  auto targets = contrastive();
  targets.in_batch.assign(5, false);
  targets.negatives[2] = {9};
  check(loss::InfoNce{}, targets, 5, 11);  // hard negatives alone
  targets = contrastive();
  targets.negatives.clear();
  targets.in_batch[3] = true;
  check(loss::InfoNce{}, targets, 5, 11);  // in-batch negatives alone
}

TEST_CASE("gradients of InfoNCE: masks") {
  auto targets = contrastive();
  targets.query_text = {1, 2, 3, 4, 2};                                // the second and the fifth query are the same
  targets.passage_text = {11, 12, 13, 14, 15, 16, 17, 18, 3, 13, 11};  // 9 is the first's positive, 8 the third query
  targets.known_positives = {{}, {3}, {}, {6}, {}};
  for (const bool both : {false, true})
    for (const bool hard : {false, true})
      for (const std::optional<double> margin : {std::optional<double>{}, {0.1}, {-0.3}, {0.7}}) {
        CAPTURE(both);
        CAPTURE(hard);
        const auto counts = std::make_shared<loss::InfoNceCounts>();
        check(loss::InfoNce{.temperature = 0.1,
                            .others_hard_negatives = true,
                            .both_directions = both,
                            .margin = margin,
                            .margin_on_hard_negatives = hard,
                            .empty = loss::Empty::skip,
                            .counts = counts},
              targets, 5, 11);
        CHECK(counts->masked_right > 0);
        CHECK(counts->rows + counts->skipped == (both ? 9 : 5));
        if (margin == -0.3) CHECK(counts->masked_score > 0);
      }
}

TEST_CASE("gradients of triplets, graded pairs and teachers") {
  const loss::Triplet::Targets triplets{{0, 1, 2}, {0, 1, 3}, {1, 0, 5}, {2, 4, 2}, {2, 4, 1}};
  for (const auto distance : {loss::TripletDistance::cosine, loss::TripletDistance::euclidean})
    for (const double margin : {0.2, 1.5}) check(loss::Triplet{margin, distance}, triplets, 3, 6);
  check(loss::Cosent{}, graded(), 5, 5);
  check(loss::Cosent{.temperature = 1}, graded(), 5, 5);
  check(loss::CosineMse{}, graded(), 5, 5);
  const loss::TeacherScores scores{{{0, 1, 4}, {5, 2}, {3, 1, 2, 0}}, {{8, -1, 2.5}, {0, 1}, {0.1, 0.2, 4, -3}}};
  check(loss::ScoreDistillation{}, scores, 3, 6);
  check(loss::ScoreDistillation{0.3, 2}, scores, 3, 6);
  check(loss::EmbeddingDistillation{}, {}, 4, 4);
  check(loss::EmbeddingDistillation{loss::EmbeddingDistance::mse}, {}, 4, 4);
}

TEST_CASE("gradients of the Matryoshka losses and of states") {
  const loss::InfoNce info_nce{.temperature = 0.1};
  check(loss::Matryoshka<loss::InfoNce>{info_nce, {5, 3, 2}, {1, 0.5, 0.25}}, contrastive(), 5, 11);
  check(loss::Matryoshka<loss::Cosent>{{}, {3, 1}, {}}, graded(), 5, 5);
  check(loss::Matryoshka<loss::EmbeddingDistillation>{{}, {4, 5}, {}}, {}, 4, 4);
  complex_step::check([](auto& cx, auto& x) { return cx.apply(ops::L2NormalizeColumns{3}, x); }, {{4, 5}});
  complex_step::check(
      [](auto& cx, auto& a, auto& b, auto& c, auto& d, auto& e) {
        using Var = std::remove_cvref_t<decltype(a)>;
        const std::vector<Var> student{a, b}, teacher{c, d};
        const std::vector<Var> same{loss::HiddenStateDistillation{}(cx, student, teacher),
                                    loss::HiddenStateDistillation{}(cx, student, std::vector<Var>{c, e, d})};
        // The last but one of three states is not looked at: give it a gradient of its own.
        return loss::weighted_sum(cx, std::vector<Var>{same[0], same[1], loss::squared_error(cx, e, d)},
                                  std::vector<double>{1, 0.3, 0.5});
      },
      {{3, 4}, {2, 4}, {3, 4}, {2, 4}, {2, 4}});
}
