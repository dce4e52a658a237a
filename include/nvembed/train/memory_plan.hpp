#pragma once

#include <algorithm>
#include <cstdint>
#include <nvembed/autograd/tape.hpp>
#include <nvembed/batch/packed.hpp>
#include <nvembed/batch/packer.hpp>
#include <nvembed/batch/row_keys.hpp>
#include <nvembed/model/parameter_count.hpp>
#include <nvembed/train/dry_backend.hpp>
#include <nvembed/train/tuned_model.hpp>
#include <utility>
#include <vector>

namespace nvembed::train {

/// Bytes that training takes at its peak, by what they are for; from sizes alone, no weight is read. What an evaluation
/// takes in its midst stays below it: the steps' buffers are given back before.
struct MemoryPlan {
  Index frozen = 0;           ///< weights that are not trained, in their precision
  Index trained = 0;          ///< values, gradients and optimizer state of those that are
  Index activations = 0;      ///< of one chunk, forward and backward, and of the loss
  Index program = 100 << 20;  ///< itself, its libraries, the tokenizer, code that oneDNN makes: as measured
  Index trained_numbers = 0;
  Index total() const { return frozen + trained + activations + program; }
};

namespace detail {

/// The tokens of one chunk of a stage, as texts of the greatest length that it lets through.
inline std::vector<TokenizedText> largest_chunk(const RecipeStage& stage, Index chunk_tokens) {
  const Index queries = stage.batch, passages = stage.batch * (1 + stage.hard_negatives);
  std::vector<Index> lengths(static_cast<std::size_t>(queries), stage.query_max_length);
  lengths.insert(lengths.end(), static_cast<std::size_t>(passages), stage.passage_max_length);
  std::vector<TokenizedText> texts;
  const std::vector<std::vector<Index>> chunks = cut_batches(lengths, chunk_tokens);
  for (const Index i : chunks.front())
    texts.push_back({std::vector<TokenId>(static_cast<std::size_t>(lengths[static_cast<std::size_t>(i)])), 0, 0});
  return texts;
}

/// Bytes of a chunk's pass forward and backward, its gradients left out.
inline Index chunk_memory(const TunedModel<DryBackend>& tuned, const std::vector<TokenizedText>& texts, bool recompute,
                          bool draws) {
  const DryBackend be;
  auto lane = be.make_lane();
  const Packed batch(texts);
  const std::vector<std::uint64_t> ids(texts.size());
  Tape<DryBackend> tape(be, lane, tuned.trainable, draws ? Randomness{{}, row_keys(batch, ids)} : Randomness{});
  tape.recompute_blocks(recompute);
  const auto y = (*tuned.model)(tape, batch);
  Gradients<DryBackend, float> gradients;
  std::move(tape).backward(y, Tensor<DryBackend, float>(lane, y.value.shape()), gradients);
  Index own = 0;
  for (const auto& [name, gradient] : gradients) own += 4 * gradient.size();
  return lane.bytes().peak - own;
}

/// What a step's loss holds of a batch: all vectors and their gradients, and the scores of a side with the other.
inline Index loss_memory(const RecipeStage& stage, Index dim) {
  const Index passages = stage.batch * (1 + stage.hard_negatives);
  const Index scored = stage.in_batch_negatives ? passages : 1 + stage.hard_negatives;
  return 4 * 4 * (stage.batch + passages) * dim + 2 * 8 * stage.batch * scored;
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
                : precision == Precision::int8                                          ? frozen / 32 * 36
                : precision == Precision::q4                                            ? frozen / 32 * 18
                                                                                        : 2 * frozen;
  bool draws = false;
  nn::for_each_linear(tuned.model->body, [&](const std::string&, const auto& linear) {
    draws |= linear.lora && linear.lora->dropout > 0;
  });
  for (const RecipeStage& stage : recipe.stages)
    plan.activations = std::max(
        plan.activations,
        detail::loss_memory(stage, tuned.model->dim()) +
            detail::chunk_memory(tuned, detail::largest_chunk(stage, recipe.chunk_tokens), recipe.recompute, draws));
  return plan;
}

}  // namespace nvembed::train
