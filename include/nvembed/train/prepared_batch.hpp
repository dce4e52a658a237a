#pragma once

#include <cstdint>
#include <nvembed/batch/packed.hpp>
#include <nvembed/core/config.hpp>
#include <nvembed/embed/input_builder.hpp>
#include <nvembed/loss/contrastive_targets.hpp>
#include <nvembed/train/recipe.hpp>
#include <nvembed/train/stage_data.hpp>
#include <string>
#include <vector>

namespace nvembed::train {

/// The tokens of a step's batch.
struct PreparedBatch {
  std::vector<TokenizedText> texts;  ///< queries, then passages
  std::vector<std::uint64_t> ids;    ///< one a text: what its random draws go by
  Index queries = 0;
  loss::ContrastiveTargets targets;
  std::vector<double> grades;       ///< one a query, of graded pairs
  std::vector<Index> teacher_rows;  ///< one a text, where there is a teacher
  Index tokens = 0;
  Index truncated = 0;  ///< texts that were cut
  /// One a query that was left out: a text of it leaves nothing to pool, or the teacher does not know it.
  std::vector<std::string> unusable;
};

/// Texts of a step of a stage, tokenised. A query one of whose texts leaves nothing to pool (an instruction that takes
/// all of max_length, say), or to which the teacher gave no vector, is left out and told of. A function of its
/// arguments: batches may be made ahead. Throws what `contrastive_batch` throws; a batch that nothing is left of has no
/// queries.
NVEMBED_INLINE PreparedBatch prepare_batch(const StageData& data, Index step, const RecipeStage& stage,
                                           std::uint64_t seed, const InputBuilder& inputs);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/prepared_batch.inl>
#endif
