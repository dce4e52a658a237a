#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nvembed/loss/embedding_distillation.hpp>
#include <nvembed/loss/triplet.hpp>
#include <nvembed/nn/lora_options.hpp>
#include <nvembed/optim/adam_options.hpp>
#include <nvembed/pool/latent_start.hpp>
#include <nvembed/train/sampler_options.hpp>
#include <optional>
#include <string>
#include <vector>

namespace nvembed::train {

/// Records of a stage: a folder of tasks (or its tasks.json), or some of them.
struct RecipeData {
  std::string tasks;                        ///< path
  std::vector<std::string> only{};          ///< names of tasks or kinds; empty: all
  std::map<std::string, double> weights{};  ///< of tasks by name; 1 where there is none
};

enum class RecipeLossType : std::uint8_t {
  info_nce,
  triplet,
  cosent,
  cosine_mse,
  score_distillation,
  embedding_distillation
};

/// How a stage's texts are compared: settings of the loss of that name (loss/), those that it has, and
/// loss::Matryoshka's where `dims` are given.
struct RecipeLoss {
  RecipeLossType type = RecipeLossType::info_nce;
  double weight = 1;                  ///< beside the stage's other losses
  double temperature = 0.02;          ///< 0.05 with cosent
  double teacher_temperature = 0.02;  ///< of the teacher's cosines
  bool others_hard_negatives = false;
  bool both_directions = false;
  std::optional<double> margin{};  ///< of info_nce: masks; of triplet: 0.2
  bool margin_on_hard_negatives = false;
  loss::TripletDistance triplet_distance = loss::TripletDistance::cosine;
  loss::EmbeddingDistance embedding_distance = loss::EmbeddingDistance::cosine;
  std::vector<Index> dims{};  ///< leading components that are to serve alone; empty: the whole vector only

  /// Compares pairs by grades, which others do not know.
  bool graded() const { return type == RecipeLossType::cosent || type == RecipeLossType::cosine_mse; }
  bool needs_teacher() const {
    return type == RecipeLossType::score_distillation || type == RecipeLossType::embedding_distillation;
  }
};

/// Files of TeacherVectors.
struct RecipeTexts {
  std::string texts, vectors;
};
/// A teacher's vectors of queries and of passages, which an instruction sets apart.
struct RecipeTeacher {
  RecipeTexts queries, passages;
};

enum class RecipeOptimizer : std::uint8_t { adam, adamw };
enum class RecipeSchedule : std::uint8_t { linear, cosine, constant };

/// One stage of training. Defaults are NV-Embed's (arXiv 2405.17428, table 11) where it says: Adam with weight decay
/// 0.03, 50 steps of warm-up, linear decay, batches of 128 queries with 7 hard negatives, 512 tokens.
struct RecipeStage {
  std::string name = {};
  std::vector<RecipeData> data = {};
  double size_exponent = 1;                         ///< SamplerOptions
  BatchMix mix = BatchMix::mixed;                   ///< SamplerOptions
  Index batch = 128;                                ///< queries a step
  Index hard_negatives = 7;                         ///< of a query, at most
  bool in_batch_negatives = true;                   ///< where the record's task allows them; false: nowhere
  Index query_max_length = 512;                     ///< tokens, BOS, EOS and instruction counted
  Index passage_max_length = 512;                   ///< the same
  std::vector<RecipeLoss> losses = {RecipeLoss()};  ///< added up by their weights
  std::optional<RecipeTeacher> teacher = {};        ///< for distillation
  Index steps = 0;
  double learning_rate = 2e-5;  ///< the peak
  Index warmup_steps = 50;
  RecipeSchedule schedule = RecipeSchedule::linear;
  RecipeOptimizer optimizer = RecipeOptimizer::adam;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double weight_decay = 0.03;
  double max_gradient_norm = 1;              ///< clipped above it; 0: never
  std::map<std::string, double> lr_scale{};  ///< factor on the learning rate by name pattern (optim::NamePattern)

  /// Its records are graded pairs.
  bool graded() const {
    return std::any_of(losses.begin(), losses.end(), [](const RecipeLoss& l) { return l.graded(); });
  }
  bool needs_teacher() const {
    return std::any_of(losses.begin(), losses.end(), [](const RecipeLoss& l) { return l.needs_teacher(); });
  }
};

/// A new head; sizes are free (reference: the released one has 512 latents and 8 heads of 4096).
struct RecipeHead {
  Index num_latents = 512, num_heads = 8, head_dim = 64, mult = 4;
  pool::LatentStart start = pool::LatentStart::mean;
};

/// When and on what the model is evaluated while it is trained.
struct RecipeEvaluation {
  std::string tasks = {};              ///< folder of evaluation tasks; empty: never
  std::vector<std::string> only = {};  ///< names of tasks or categories
  double sample = 1;                   ///< part of each task
  Index max_length = 512;
  Index every = 0;  ///< steps; 0: before the first step and after each stage only
};

/// All that decides what `nvembed train` makes. Paths are relative to the recipe's folder.
struct Recipe {
  std::string model;                 ///< the base: a MODEL as everywhere
  std::string output;                ///< folder of the embedder, with log and checkpoints
  std::string mask = {}, pool = {};  ///< overrides; empty: as the base says, latent_attention where there is a head
  std::string precision = {};        ///< of frozen weights, as LoadOptions has it
  std::optional<RecipeHead> head{};  ///< a new latent-attention head, trained in full
  std::optional<nn::LoraOptions> lora{};
  /// Names (optim::NamePattern) of decoder weights that are trained in full: `layers.28.*`, `*norm*`, `*`.
  std::vector<std::string> full{};
  std::uint64_t seed = 42;
  Index chunk_tokens = 4096;  ///< GradCacheOptions
  bool recompute = false;     ///< GradCacheOptions
  optim::Moments moments = optim::Moments::wide;
  Index most_skipped = 10;        ///< steps in a row whose loss or gradient is not finite, or that compare nothing
  Index checkpoint_every = 100;   ///< steps
  Index keep_last = 2;            ///< checkpoints
  bool keep_best = true;          ///< beside them the one with the best evaluation
  bool take_best = false;         ///< the embedder is made of that one, not of the last
  bool skip_bad_records = false;  ///< counted and told, instead of an error
  RecipeEvaluation evaluation{};
  std::vector<RecipeStage> stages;

  Index steps() const {
    Index n = 0;
    for (const RecipeStage& s : stages) n += s.steps;
    return n;
  }
};

}  // namespace nvembed::train
