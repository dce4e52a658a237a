#include <CLI/CLI.hpp>
#include <memory>
#include <nvembed/train/read_recipe.hpp>

#include "commands.hpp"
#include "training.hpp"

namespace cli {
namespace {

struct TrainCommand : Options {
  std::string recipe;
  bool resume = false, dry_run = false;
};

void run_train(const TrainCommand& o) {
  const TrainJob job{o, nvembed::train::read_recipe(o.recipe), o.resume, o.dry_run};
  std::string known;
#if defined(NVEMBED_WITH_ONEDNN)
  if (o.backend.empty() || o.backend == "onednn") return train_onednn(job);
  known += " onednn";
#endif
#if defined(NVEMBED_WITH_EIGEN)
  if (o.backend.empty() || o.backend == "eigen") return train_eigen(job);
  known += " eigen";
#endif
  throw UsageError("--backend " + o.backend + " cannot train; those that can are" + known);
}

}  // namespace

Run add_train(CLI::App& app) {
  auto o = std::make_shared<TrainCommand>();
  CLI::App& command = *app.add_subcommand("train", "Fine-tune a model on pairs of texts, as a recipe says");
  command.add_option("RECIPE", o->recipe, "JSON file: base model, what of it is trained, data, stages")->required();
  command.add_flag("--resume", o->resume, "Go on from the newest checkpoint, to the same weights as without the stop");
  command.add_flag("--dry-run", o->dry_run, "Open all, print what will be trained and the memory it takes, and stop");
  add_running(command, *o);
  add_reporting(command, *o);
  command.footer(
      "The recipe's output folder gets log.jsonl, report.html, checkpoints/ and, at the end, the embedder.\n"
      "Ctrl-C saves and leaves. Examples:\n"
      "  nvembed train recipe.json --dry-run\n"
      "  nvembed train recipe.json --resume");
  return [o] { run_train(*o); };
}

}  // namespace cli
