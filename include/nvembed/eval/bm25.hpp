#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/search/bm25.hpp>
#include <span>

namespace nvembed::eval {

using search::Bm25;

/// Scores BM25 on tasks. Where queries and passages differ the similarity is the BM25 score, without stop words; else
/// the cosine of term weights. Memory: texts times terms of one task.
NVEMBED_INLINE Evaluation evaluate_bm25(std::span<const FoundTask> tasks, const DotProducts& dots,
                                        const EvaluateOptions& options = {});

}  // namespace nvembed::eval

#if !defined(NVEMBED_COMPILED)
#include <nvembed/eval/bm25.inl>
#endif
