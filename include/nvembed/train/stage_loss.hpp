#pragma once

#include <memory>
#include <nvembed/autograd/context.hpp>
#include <nvembed/core/error.hpp>
#include <nvembed/loss/contrastive_triplets.hpp>
#include <nvembed/loss/cosent.hpp>
#include <nvembed/loss/cosine_mse.hpp>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/info_nce.hpp>
#include <nvembed/loss/matryoshka.hpp>
#include <nvembed/loss/score_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <nvembed/loss/weighted_sum.hpp>
#include <nvembed/train/prepared_batch.hpp>
#include <nvembed/train/recipe.hpp>
#include <nvembed/train/stage_data.hpp>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace nvembed::train {

/// The losses of a stage over a batch's vectors, added up by their weights; one that finds nothing to compare is left
/// out. `counts` is told of queries and negatives. Throws InputError where that is true of all.
class StageLoss {
 public:
  /// All stay where they are.
  StageLoss(const RecipeStage& stage, const PreparedBatch& batch, const StageTeacher* teacher,
            std::shared_ptr<loss::InfoNceCounts> counts)
      : stage_(stage), batch_(batch), teacher_(teacher), counts_(std::move(counts)) {}

  /// queries (n, d), passages (m, d), unit vectors -> (1, 1)
  template <Context C, class Var>
  Var operator()(C& cx, const Var& queries, const Var& passages) const {
    std::vector<Var> values;
    std::vector<double> weights;
    std::string nothing;
    for (const RecipeLoss& l : stage_.losses) {
      try {
        values.push_back(one(cx, l, queries, passages));
        weights.push_back(l.weight);
      } catch (const InputError& e) {
        if (nothing.empty()) nothing = e.what();
      }
    }
    if (values.empty()) throw InputError(nothing);
    return values.size() == 1 && weights[0] == 1 ? values[0] : loss::weighted_sum(cx, values, weights);
  }

 private:
  template <class C, class Var>
  Var one(C& cx, const RecipeLoss& l, const Var& a, const Var& b) const {
    switch (l.type) {
      case RecipeLossType::triplet:
        return compare(cx, l, loss::Triplet{l.margin.value_or(loss::Triplet().margin), l.triplet_distance}, a, b,
                       loss::contrastive_triplets(batch_.targets, batch_.queries, passages(), l.others_hard_negatives,
                                                  counts_.get()));
      case RecipeLossType::cosent:
        count_pairs();
        return compare(cx, l, loss::Cosent{l.temperature}, a, b, loss::GradedPairs{batch_.grades});
      case RecipeLossType::cosine_mse:
        count_pairs();
        return compare(cx, l, loss::CosineMse{}, a, b, loss::GradedPairs{batch_.grades});
      case RecipeLossType::score_distillation:
        count_pairs();
        return compare(cx, l, loss::ScoreDistillation{l.temperature, l.teacher_temperature}, a, b, teacher_scores());
      case RecipeLossType::embedding_distillation:
        return to_teacher(cx, l, a, b);
      case RecipeLossType::info_nce:
        break;
    }
    loss::InfoNce nce;
    nce.temperature = l.temperature;
    nce.others_hard_negatives = l.others_hard_negatives;
    nce.both_directions = l.both_directions;
    nce.margin = l.margin;
    nce.margin_on_hard_negatives = l.margin_on_hard_negatives;
    nce.empty = loss::Empty::skip;
    nce.counts = counts_;
    return compare(cx, l, nce, a, b, batch_.targets);
  }

  template <class C, class L, class Var>
  static Var compare(C& cx, const RecipeLoss& l, L&& loss, const Var& a, const Var& b,
                     const typename std::remove_cvref_t<L>::Targets& targets) {
    if (l.dims.empty()) return loss(cx, a, b, targets);
    return loss::Matryoshka<std::remove_cvref_t<L>>{loss, l.dims}(cx, a, b, targets);
  }

  void count_pairs() const {
    if (counts_ && counts_->rows == 0) counts_->rows = batch_.queries;
  }
  Index passages() const { return static_cast<Index>(batch_.texts.size()) - batch_.queries; }

  /// The teacher's row of a text of the batch.
  std::vector<float> teacher_row(Index text) const {
    const TeacherVectors& from = text < batch_.queries ? teacher_->queries : teacher_->passages;
    return from.unit_row(batch_.teacher_rows[static_cast<std::size_t>(text)]);
  }

  /// Cosines of every query with every passage of the batch, each text once.
  loss::TeacherScores teacher_scores() const {
    std::vector<Index> candidates;
    std::unordered_set<Index> met;
    std::vector<std::vector<float>> vectors;
    for (Index j = 0; j < passages(); ++j) {
      const Index text = batch_.queries + j;
      if (!met.insert(batch_.teacher_rows[static_cast<std::size_t>(text)]).second) continue;
      candidates.push_back(j);
      vectors.push_back(teacher_row(text));
    }
    loss::TeacherScores scores;
    for (Index i = 0; i < batch_.queries; ++i) {
      const std::vector<float> query = teacher_row(i);
      std::vector<double> own;
      for (const auto& v : vectors) {
        double sum = 0;
        for (std::size_t c = 0; c < query.size(); ++c) sum += static_cast<double>(query[c]) * static_cast<double>(v[c]);
        own.push_back(sum);
      }
      scores.candidates.push_back(candidates);
      scores.scores.push_back(std::move(own));
    }
    return scores;
  }

  /// The mean over all texts, queries and passages. The teacher's vectors have the model's dim.
  template <class C, class Var>
  Var to_teacher(C& cx, const RecipeLoss& l, const Var& a, const Var& b) const {
    using Value = std::remove_cvref_t<decltype(C::value(a))>;
    const Index dim = C::value(a).cols();
    const auto side = [&](const Var& student, Index first) {
      std::vector<typename Value::value_type> rows;
      const Index count = C::value(student).rows();
      for (Index i = 0; i < count; ++i) {
        const std::vector<float> row = teacher_row(first + i);
        rows.insert(rows.end(), row.begin(), row.end());
      }
      const Var teacher = cx.constant(Value::from_host(cx.lane(), {count, dim}, rows));
      return loss::EmbeddingDistillation{l.embedding_distance}(cx, student, teacher);
    };
    count_pairs();
    const std::vector<Var> sides{side(a, 0), side(b, batch_.queries)};
    const auto share = static_cast<double>(batch_.queries) / static_cast<double>(batch_.texts.size());
    return loss::weighted_sum(cx, sides, std::vector<double>{share, 1 - share});
  }

  const RecipeStage& stage_;
  const PreparedBatch& batch_;
  const StageTeacher* teacher_;
  std::shared_ptr<loss::InfoNceCounts> counts_;
};

}  // namespace nvembed::train
