#pragma once

#include <nvembed/optim/adam.hpp>
#include <nvembed/optim/adamw.hpp>
#include <nvembed/optim/constant_schedule.hpp>
#include <nvembed/optim/cosine_schedule.hpp>
#include <nvembed/optim/linear_schedule.hpp>
#include <nvembed/optim/name_pattern.hpp>
#include <nvembed/train/recipe.hpp>
#include <utility>
#include <variant>

namespace nvembed::train {

/// The learning rate of a stage's step, from 0 on. As transformers' schedules have it, but that no step is done at a
/// rate of 0: theirs begin with one.
inline double learning_rate(const RecipeStage& s, Index step) {
  const auto factor = [&] {
    if (s.schedule == RecipeSchedule::cosine) return optim::CosineSchedule{s.warmup_steps, s.steps + 1}(step + 1);
    if (s.schedule == RecipeSchedule::constant) return optim::ConstantSchedule{s.warmup_steps}(step + 1);
    return optim::LinearSchedule{s.warmup_steps, s.steps + 1}(step + 1);
  };
  return s.learning_rate * factor();
}

/// The optimizer that a stage of a recipe asks for: an Optimizer, chosen when the recipe is read.
template <class B>
class StageOptimizer {
 public:
  /// Throws what the optimizers throw.
  template <class Model>
  StageOptimizer(const B& be, Model& model, const Trainable& trainable, const Recipe& recipe, const RecipeStage& stage)
      : held_(make(be, model, trainable, recipe, stage)) {}

  void step(const Gradients<B, float>& gradients, double lr, double scale) {
    std::visit([&](auto& o) { o.step(gradients, lr, scale); }, held_);
  }
  template <class F>
  void for_each_state(F&& f) const {
    std::visit([&](const auto& o) { o.for_each_state(f); }, held_);
  }
  template <class Find>
  void load_state(Find&& find) {
    std::visit([&](auto& o) { o.load_state(find); }, held_);
  }
  Index state_bytes() const {
    return std::visit([](const auto& o) { return o.state_bytes(); }, held_);
  }

 private:
  using Held = std::variant<optim::Adam<B>, optim::AdamW<B>>;

  template <class Model>
  static Held make(const B& be, Model& model, const Trainable& trainable, const Recipe& recipe,
                   const RecipeStage& stage) {
    optim::AdamOptions o;
    o.beta1 = stage.beta1, o.beta2 = stage.beta2, o.eps = stage.eps, o.weight_decay = stage.weight_decay;
    o.moments = recipe.moments;
    o.seed = recipe.seed;
    for (const auto& [pattern, scale] : stage.lr_scale) o.groups.push_back({optim::NamePattern(pattern), scale, {}});
    if (stage.optimizer == RecipeOptimizer::adam)
      return Held(std::in_place_type<optim::Adam<B>>, be, model, trainable, std::move(o));
    return Held(std::in_place_type<optim::AdamW<B>>, be, model, trainable, std::move(o));
  }

  Held held_;
};

}  // namespace nvembed::train
