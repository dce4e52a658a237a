#pragma once

#include <cstdint>
#include <nvembed/core/config.hpp>
#include <nvembed/loss/contrastive_targets.hpp>
#include <nvembed/train/batch_text.hpp>
#include <nvembed/train/draw.hpp>
#include <nvembed/train/task_records.hpp>
#include <optional>
#include <span>
#include <vector>

namespace nvembed::train {

/// How examples are made of records.
struct ContrastiveOptions {
  Index hard_negatives = 7;        ///< of a query, at most
  bool in_batch_negatives = true;  ///< as the task says; false: nobody has any (NV-Embed's second stage)
  std::uint64_t seed = 42;         ///< of the choice among positives and negatives
};

/// Texts to encode, and who is right and wrong for whom. Passages of query i stand together, the positive first, then
/// its negatives; queries in the order of the draws. Equal passages are not merged: the loss knows them by
/// `passage_text`.
///
/// Hashes in the targets are FNV-1a of the text as the file has it, to the byte and without the instruction, in one
/// space for queries and passages: what is asked of a text does not make it another text. So a sentence that two tasks
/// have as query has the answers of both kept from being its negatives, which loses a negative at worst, where the
/// opposite would teach that an answer is wrong.
struct ContrastiveBatch {
  std::vector<BatchText> queries;   ///< (n); ids 2 i
  std::vector<BatchText> passages;  ///< (m); ids 2 j + 1
  /// Complete: known_positives are the rows whose text is another positive of the query's record.
  loss::ContrastiveTargets targets;
  std::vector<std::optional<double>> grades;  ///< (n) of graded pairs
  std::vector<Draw> draws;                    ///< (n) where the queries come from
  /// Queries without a hard negative and without in-batch ones, which a loss must be told to skip.
  Index without_negatives = 0;
};

/// The batch of these draws. A function of its arguments; any number of threads may ask. Throws InputError where a draw
/// names no task or record, FileError where a file was changed since it was opened.
NVEMBED_INLINE ContrastiveBatch contrastive_batch(std::span<const TaskRecords> tasks, std::span<const Draw> draws,
                                                  const ContrastiveOptions& options = {});

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/contrastive_batch.inl>
#endif
