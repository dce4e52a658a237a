#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/eval/means.hpp>
#include <nvembed/eval/read_tasks.hpp>
#include <nvembed/io/atomic_file.hpp>
#include <nvembed/report/escape.hpp>
#include <nvembed/train/memory_plan.hpp>
#include <nvembed/train/trainer.hpp>
#include <nvembed/train/training_report.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "output.hpp"
#include "progress_bar.hpp"
#include "temporary.hpp"
#include "timer.hpp"
#include "training.hpp"

namespace cli {

/// Scores a model in the middle of its training.
class TrainingEvaluation {
 public:
  TrainingEvaluation(const nvembed::train::RecipeEvaluation& recipe, const Options& o) : recipe_(recipe), options_(o) {
    if (recipe.tasks.empty()) return;
    tasks_ = nvembed::eval::read_tasks(recipe.tasks, {recipe.only, recipe.sample});
    for (const auto& t : tasks_)
      for (const std::string& problem : t.problems) say(problem);
  }
  bool wanted() const { return !tasks_.empty(); }

  template <class B>
  nvembed::train::EvaluationLog operator()(const nvembed::TextEmbedder<B>& embedder) const {
    const Timer whole;
    ProgressBar bar("evaluate", 0, options_.quiet);
    nvembed::eval::EvaluateOptions options;
    options.query.max_length = options.passage.max_length = recipe_.max_length;
    options.progress = [&](const nvembed::eval::EvaluateProgress& p) { bar.update_share(p.share, p.tokens); };
    auto model = nvembed::eval::evaluated_model(embedder);
    model.fingerprint = {};  // its vectors are of one moment
    const auto evaluation = nvembed::eval::evaluate(model, tasks_, options);
    nvembed::train::EvaluationLog log;
    std::vector<std::pair<std::string, nvembed::eval::Estimate>> figures;
    for (const auto& t : evaluation.tasks) {
      for (const std::string& problem : t.problems) say(problem);
      if (!t.score) continue;
      log.tasks[t.info.name] = t.score->value;
      figures.push_back({t.info.category, {t.score->value, t.score->ci95()}});
    }
    log.overall = nvembed::eval::means(figures).overall.value;
    log.seconds = whole.seconds();
    return log;
  }

 private:
  const nvembed::train::RecipeEvaluation& recipe_;
  const Options& options_;
  std::vector<nvembed::eval::FoundTask> tasks_;
};

/// What a run that is over has come to. Throws InputError where no step made an update: its embedder would be the base.
template <class B>
void tell_end(const nvembed::train::Trainer<B>& trainer, const Options& o) {
  using namespace nvembed;
  const auto steps = trainer.log().read().steps;
  Index skipped = 0, truncated = 0;
  std::string why;
  std::vector<double> losses;
  for (const train::StepLog& s : steps) {
    truncated += s.truncated;
    if (s.skipped.empty())
      losses.push_back(s.loss);
    else
      ++skipped, why = s.skipped;
  }
  require<InputError>(!losses.empty(), "train", "none of ", skipped, " steps made an update, the last because: ", why);
  note(o, cat("loss ", report::fixed(losses.front(), 3), " in the first step, ", report::fixed(losses.back(), 3),
              " in the last"));
  if (skipped > 0) note(o, cat(skipped, " of ", steps.size(), " steps made no update, the last because: ", why));
  if (truncated > 0)
    note(o, cat(grouped(truncated), " texts were cut; query_max_length and passage_max_length say where"));
}

template <class B>
void run_training(const TrainJob& job) {
  using namespace nvembed;
  const Options& o = job.options;
  const TrainingEvaluation evaluation(job.recipe.evaluation, o);
  std::optional<ProgressBar> bar;
  std::optional<double> first;  // share of the run that was done before
  std::stop_source stop;
  const auto look = [&] {
    if (interrupted()) stop.request_stop();
  };
  train::Trainer<B>* running = nullptr;
  const auto clear = [&] {
    if (bar) bar->clear();
  };

  train::TrainingHooks hooks;
  std::set<std::string> told;  // stages may share files
  hooks.notice = [&](const std::string& line) {
    if (!told.insert(line).second) return;
    clear();
    note(o, line);
  };
  hooks.progress = [&](const train::TrainingProgress& p) {
    look();
    if (!first) first = p.share;
    char loss[64];
    std::snprintf(loss, sizeof loss, "  loss %.4f  lr %.2e", p.loss, p.lr);
    bar->rename(cat(p.stage, "  step ", p.step, "/", p.steps, std::isfinite(p.loss) ? loss : ""));
    bar->update_share((p.share - *first) / std::max(1 - *first, 1e-9), p.tokens);
  };
  if (evaluation.wanted())
    hooks.evaluate = [&] {
      clear();
      auto log = evaluation(running->embedder());
      note(o, cat("evaluation after ", running->state().step, " steps: ", report::fixed(log.overall, 2), " in ",
                  duration(log.seconds)));
      look();
      return log;
    };
  hooks.saved = [&] {
    write_file(job.recipe.output + "/report.html",
               train::training_report(job.recipe, running->log().read(), running->tuned().trained_numbers()), "report");
  };
  hooks.stop = stop.get_token();

  remember_interrupts();
  const Timer whole;
  const auto be = std::make_shared<const B>(o.threads ? o.threads : cpu_count());
  LoadOptions load;
  load.base = o.base;
  const train::MemoryPlan plan = train::plan_training(*be, job.recipe, load);
  const Index free = be->free_memory();
  const auto mib = [](Index bytes) { return grouped(bytes >> 20); };
  if (job.dry_run) print_plan(job, plan, free);
  require<MemoryError>(plan.total() <= free, "train", "about ", mib(plan.total()), " MiB are needed, ", mib(free),
                       " MiB are available; a lower chunk_tokens, recompute, moments bf16 or precision int8 help");
  if (job.dry_run) return;
  bar.emplace("load", 0, o.quiet);
  load.notice = hooks.notice;
  load.progress = [&](const LoadProgress& p) {
    bar->update_share(static_cast<double>(p.bytes) / static_cast<double>(p.total_bytes));
  };
  train::Trainer<B> trainer(be, job.recipe, hooks, load);
  clear();
  running = &trainer;
  note(o, cat("model loaded in ", duration(whole.seconds()), "; ", grouped(trainer.tuned().trained_numbers()),
              " numbers are trained"));
  if (job.resume) trainer.resume();
  if (job.resume) note(o, cat("going on from step ", trainer.state().step));
  bar.emplace("train", 0, o.quiet);
  const bool done = trainer.run();
  clear();
  require(done, "train", "stopped after ", trainer.state().step, " of ", job.recipe.steps(),
          " steps; all of them are saved, --resume goes on");
  tell_end(trainer, o);
  if (job.recipe.take_best) trainer.take_best();
  trainer.save_embedder(job.recipe.output);
  note(o, cat("done in ", duration(whole.seconds()), "; ", job.recipe.output));
}

}  // namespace cli
