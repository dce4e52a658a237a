#pragma once

#include <nvembed/eval/report.hpp>
#include <vector>

namespace cli {

/// Scores that known encoders got on public tasks, for those of the evaluation's tasks that are the same ones: of the
/// same name, with as many items.
std::vector<nvembed::eval::Report::Others> eval_baselines(const nvembed::eval::Evaluation& evaluation);

}  // namespace cli
