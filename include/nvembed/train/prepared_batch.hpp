#pragma once

#include <cstdint>
#include <nvembed/batch/packed.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/embed/input_builder.hpp>
#include <nvembed/loss/contrastive_targets.hpp>
#include <nvembed/train/contrastive_batch.hpp>
#include <nvembed/train/recipe.hpp>
#include <nvembed/train/sampler.hpp>
#include <nvembed/train/task_records.hpp>
#include <span>
#include <string>
#include <vector>

namespace nvembed::train {

/// The tokens of a step's batch.
struct PreparedBatch {
  std::vector<TokenizedText> texts;  ///< queries, then passages
  std::vector<std::uint64_t> ids;    ///< one a text: what its random draws go by
  Index queries = 0;
  loss::ContrastiveTargets targets;
  Index tokens = 0;
  Index truncated = 0;                ///< texts that were cut
  std::vector<std::string> unusable;  ///< one a query that was left out: a text of it leaves nothing to pool
};

/// Texts of a step of a stage, tokenised. A query one of whose texts leaves nothing to pool (an instruction that takes
/// all of max_length, say) is left out and told of. A function of its arguments: batches may be made ahead. Throws what
/// `contrastive_batch` throws; a batch that nothing is left of has no queries.
NVEMBED_INLINE PreparedBatch prepare_batch(std::span<const TaskRecords> tasks, const Sampler& sampler, Index step,
                                           const RecipeStage& stage, std::uint64_t seed, const InputBuilder& inputs);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/prepared_batch.inl>
#endif
