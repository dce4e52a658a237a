#pragma once

#include <nvembed/core/config.hpp>
#include <nvembed/train/recipe.hpp>
#include <nvembed/train/training_log.hpp>
#include <string>

namespace nvembed::train {

/// A page (report/page.hpp) of a run: curves of loss, learning rate, gradient norm, throughput and evaluation scores,
/// and what was skipped.
NVEMBED_INLINE std::string training_report(const Recipe& recipe, const TrainingLog::Content& log,
                                           Index trained_numbers);

}  // namespace nvembed::train

#if !defined(NVEMBED_COMPILED)
#include <nvembed/train/training_report.inl>
#endif
