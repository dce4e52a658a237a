#pragma once

#include <algorithm>
#include <cstdint>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/batch/row_keys.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/train/dry_backend.hpp>
#include <nvembed/train/tuned_model.hpp>
#include <utility>
#include <vector>

namespace nvembed::train {

/// Bytes that training takes at its peak, by what they are for; from sizes alone, no weight is read. What an evaluation
/// takes in its midst is not in it, but the steps' buffers are given back before.
struct MemoryPlan {
  Index frozen = 0;           ///< weights that are not trained, in their precision
  Index trained = 0;          ///< values, gradients and optimizer state of those that are
  Index activations = 0;      ///< of one chunk, forward and backward, and of the loss
  Index program = 100 << 20;  ///< itself, its libraries, the tokenizer, code that oneDNN makes: as measured
  Index trained_numbers = 0;
  Index total() const { return frozen + trained + activations + program; }
};

namespace detail {

/// Texts of a stage's batch.
inline double texts_of(const RecipeStage& stage) {
  return static_cast<double>(stage.batch) * (2 + static_cast<double>(stage.hard_negatives));
}
/// Tokens of a batch of the greatest texts that a stage lets through.
inline double most_tokens(const RecipeStage& stage) {
  return static_cast<double>(stage.batch) *
         (static_cast<double>(stage.query_max_length) +
          (1 + static_cast<double>(stage.hard_negatives)) * static_cast<double>(stage.passage_max_length));
}

/// The most tokens that a chunk of a stage may have: as many as fit, or one text that is longer.
inline std::vector<TokenizedText> largest_chunk(const RecipeStage& stage, Index chunk_tokens) {
  constexpr double more_than_memory = 1 << 24;
  const Index longest = std::max(stage.query_max_length, stage.passage_max_length);
  const auto tokens =
      static_cast<Index>(std::min({static_cast<double>(chunk_tokens), most_tokens(stage), more_than_memory}));
  std::vector<TokenizedText> texts;
  for (Index left = std::max(tokens, longest); left > 0; left -= longest)
    texts.push_back({std::vector<TokenId>(static_cast<std::size_t>(std::min(left, longest))), 0, 0});
  return texts;
}

/// Bytes that a chunk's pass forward and backward takes at most, less those of all gradients. `again`: other chunks of
/// the batch have left theirs.
inline Index chunk_memory(const TunedModel<DryBackend>& tuned, const std::vector<TokenizedText>& texts, bool recompute,
                          bool draws, bool again) {
  const DryBackend be;
  auto lane = be.make_lane();
  const Packed batch(texts);
  const std::vector<std::uint64_t> ids(texts.size());
  Gradients<DryBackend, float> gradients;
  for (int pass = 0; pass < (again ? 2 : 1); ++pass) {
    Tape<DryBackend> tape(be, lane, tuned.trainable,
                          draws ? Randomness{CounterRng(), row_keys(batch, ids)} : Randomness{});
    tape.recompute_blocks(recompute);
    const auto y = (*tuned.model)(tape, batch);
    std::move(tape).backward(y, Tensor<DryBackend, float>(lane, y.value.shape()), gradients);
  }
  Index own = 0;
  for (const auto& [name, gradient] : gradients) own += 4 * gradient.size();
  return lane.bytes().peak - own;
}

/// What a step's loss holds of a batch: all vectors and their gradients, and the scores of a side with the other.
inline Index loss_memory(const RecipeStage& stage, Index dim) {
  const double passages = texts_of(stage) - static_cast<double>(stage.batch);
  const double scored = stage.in_batch_negatives ? passages : 1 + static_cast<double>(stage.hard_negatives);
  return static_cast<Index>(std::min(
      4e18, 4 * 4 * texts_of(stage) * static_cast<double>(dim) + 2 * 8 * static_cast<double>(stage.batch) * scored));
}

}  // namespace detail

/// The memory that training by a recipe takes. Opens its base, reads no weights of it but an adapter's, and runs one
/// chunk on a back end that computes nothing.
template <class B>
MemoryPlan plan_training(const B& be, const Recipe& recipe, const LoadOptions& load = {}) {
  std::vector<bool> matched;
  auto tuned = detail::declare_tuned<DryBackend>(detail::open_base<B>(recipe, load), recipe, matched);
  const DryBackend dry;
  detail::attach(dry, tuned, recipe);
  detail::name_trained(tuned, recipe, matched);

  auto weights = dry.make_lane();
  for_each_leaf(*tuned.model, [&](const std::string&, auto& leaf) {
    const Index rows = leaf.declared.rows(), cols = leaf.declared.cols;
    if constexpr (requires { leaf.value.flat(); })
      leaf.value = {weights, {rows, cols}};
    else
      leaf.value = {rows, cols};
  });
  MemoryPlan plan;
  plan.trained_numbers = tuned.trained_numbers();
  plan.trained = plan.trained_numbers * (recipe.moments == optim::Moments::bf16 ? 12 : 16);

  const ModelFiles& files = tuned.files;
  Index frozen = parameter_count(files.decoder);
  tuned.each_trained([&](const std::string& name, const auto& p) {
    if (!name.starts_with("pool.") && name.find(".lora_") == std::string::npos)
      frozen -= p.declared.rows() * p.declared.cols;
  });
  const Precision precision = choose_precision(files, recipe.precision, be.free_memory());
  plan.frozen = precision == Precision::q4 && files.stored_precision() == Precision::q4 ? files.weights.total_bytes()
                : precision == Precision::f32                                           ? 4 * frozen
                : precision == Precision::int8 || precision == Precision::fp8           ? frozen / 32 * 36
                : precision == Precision::q4                                            ? frozen / 32 * 18
                                                                                        : 2 * frozen;
  bool draws = false;
  nn::for_each_linear(tuned.model->body, [&](const std::string&, const auto& linear) {
    draws |= linear.lora && linear.lora->dropout > 0;
  });
  for (const RecipeStage& stage : recipe.stages) {
    const bool again = static_cast<double>(recipe.chunk_tokens) < detail::most_tokens(stage);
    const Index chunk =
        detail::chunk_memory(tuned, detail::largest_chunk(stage, recipe.chunk_tokens), recipe.recompute, draws, again);
    plan.activations = std::max(plan.activations, chunk + detail::loss_memory(stage, tuned.model->dim()));
  }
  return plan;
}

}  // namespace nvembed::train
