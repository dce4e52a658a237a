#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nvembed/report/curves.hpp>
#include <nvembed/report/page.hpp>
#include <nvembed/report/table.hpp>
#include <nvembed/train/training_report.hpp>

namespace nvembed::train {
namespace detail {

/// A value a step, and its running mean over about a fiftieth of the run where there are many.
template <class Value>
report::Curves curve_of(const TrainingLog::Content& log, const std::string& title, const std::vector<double>& bounds,
                        Value&& value) {
  report::Curves c{.title = title, .caption = {}, .x_name = "step", .lines = {}, .bounds = bounds};
  report::Curves::Line raw{.name = "each step", .points = {}};
  for (const StepLog& s : log.steps) raw.points.emplace_back(static_cast<double>(s.step), value(s));
  const std::size_t window = raw.points.size() / 50;
  if (window >= 2) {
    report::Curves::Line smooth{.name = "mean", .points = {}};
    double sum = 0, weight = 0;
    const double keep = 1 - 1 / static_cast<double>(window);
    for (const auto& [x, y] : raw.points) {
      if (!std::isfinite(y)) continue;
      sum = keep * sum + y, weight = keep * weight + 1;
      smooth.points.emplace_back(x, sum / weight);
    }
    raw.faint = true;
    c.lines.push_back(std::move(raw));
    c.lines.push_back(std::move(smooth));
    c.caption = "Thin: each step. Thick: running mean.";
  } else {
    c.lines.push_back(std::move(raw));
  }
  return c;
}

}  // namespace detail

NVEMBED_INLINE std::string training_report(const Recipe& recipe, const TrainingLog::Content& log,
                                           Index trained_numbers) {
  report::Page page("Training of " + std::filesystem::path(recipe.output).filename().string());
  Index tokens = 0, skipped = 0;
  double seconds = 0;
  for (const StepLog& s : log.steps) tokens += s.tokens, seconds += s.seconds, skipped += !s.skipped.empty();
  page.paragraph(cat("Base ", std::filesystem::path(recipe.model).filename().string(), ", ", trained_numbers,
                     " numbers trained, ", log.steps.size(), " of ", recipe.steps(), " steps, ", tokens, " tokens in ",
                     std::llround(seconds), " s", skipped ? cat("; ", skipped, " steps were skipped") : "", "."));
  std::vector<double> bounds;
  std::string stages;
  Index end = 0;
  for (const RecipeStage& s : recipe.stages) {
    end += s.steps;
    bounds.push_back(static_cast<double>(end));
    stages += cat(stages.empty() ? "" : "; ", s.name, ": ", s.steps, " steps of ", s.batch, " queries, ",
                  s.hard_negatives, " hard negatives, in-batch negatives ", s.in_batch_negatives ? "on" : "off");
  }
  page.paragraph(stages + ".");

  std::vector<std::string> figures;
  figures.push_back(report::html(detail::curve_of(log, "Loss", bounds, [](const StepLog& s) { return s.loss; })));
  report::Curves scores{.title = "Evaluation, percent", .caption = {}, .x_name = "step", .lines = {}, .bounds = bounds};
  if (!log.evaluations.empty()) {
    report::Curves::Line overall{.name = "overall", .points = {}, .marked = true};
    std::map<std::string, report::Curves::Line> tasks;
    for (const EvaluationLog& e : log.evaluations) {
      overall.points.emplace_back(static_cast<double>(e.step), e.overall);
      for (const auto& [name, score] : e.tasks) {
        auto& line = tasks[name];
        line.name = name, line.marked = true;
        line.points.emplace_back(static_cast<double>(e.step), score);
      }
    }
    scores.lines.push_back(std::move(overall));
    if (tasks.size() > 1)
      for (auto& [name, line] : tasks) scores.lines.push_back(std::move(line));
    figures.push_back(report::html(scores));
  }
  figures.push_back(
      report::html(detail::curve_of(log, "Learning rate", bounds, [](const StepLog& s) { return s.lr; })));
  figures.push_back(report::html(
      detail::curve_of(log, "Length of the gradient", bounds, [](const StepLog& s) { return s.gradient_norm; })));
  figures.push_back(report::html(detail::curve_of(
      log, "Tokens a second", bounds, [](const StepLog& s) { return static_cast<double>(s.tokens) / s.seconds; })));
  figures.push_back(report::html(detail::curve_of(log, "Negatives a query", bounds, [](const StepLog& s) {
    return s.queries ? static_cast<double>(s.negatives) / static_cast<double>(s.queries) : std::nan("");
  })));
  page.heading("Curves");
  page.add(report::grid(figures));
  if (skipped) {
    page.heading("Steps without an update");
    for (const StepLog& s : log.steps)
      if (!s.skipped.empty()) page.paragraph(cat("Step ", s.step, ": ", s.skipped));
  }
  return page.html();
}

}  // namespace nvembed::train
