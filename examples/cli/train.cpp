#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nvembed/train/checkpoint.hpp>
#include <nvembed/train/read_recipe.hpp>
#include <nvembed/train/stage_data.hpp>

#include "commands.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "stored.hpp"
#include "training.hpp"

namespace cli {
namespace {

struct TrainCommand : Options {
  std::string recipe;
  bool resume = false, dry_run = false, own_seed = false;
};

void run_train(const TrainCommand& o) {
  TrainJob job{o, nvembed::train::read_recipe(o.recipe), o.resume, o.dry_run};
  if (o.own_seed) job.recipe.seed = o.seed;
  if (o.own_seed && job.recipe.lora) job.recipe.lora->seed = o.seed;
  // What was made before is seen before a model is loaded.
  const nvembed::train::Checkpoints earlier(job.recipe.output + "/checkpoints");
  nvembed::require<nvembed::FileError>(job.resume || earlier.steps().empty(), "train", job.recipe.output,
                                       " holds checkpoints of an earlier run; --resume goes on from them, or choose "
                                       "another output");
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

Json to_json(const nvembed::train::RecipeStage& stage, const nvembed::train::StageData& data) {
  Json tasks = Json::array();
  const double records = static_cast<double>(stage.steps * stage.batch);
  for (std::size_t i = 0; i < data.tasks.size(); ++i) {
    const double share = data.sampler.shares()[i];
    tasks.push_back({{"task", data.tasks[i].task.name},
                     {"records", data.tasks[i].records.size()},
                     {"share", share},
                     {"epochs", records * share / static_cast<double>(data.tasks[i].records.size())}});
  }
  return {{"stage", stage.name}, {"steps", stage.steps}, {"batch", stage.batch}, {"tasks", tasks}};
}

}  // namespace

void print_plan(const TrainJob& job, const nvembed::train::MemoryPlan& plan, nvembed::Index free) {
  const Options& o = job.options;
  const auto mib = [](nvembed::Index bytes) { return grouped(bytes >> 20) + " MiB"; };
  Json j{{"trained_numbers", plan.trained_numbers},
         {"memory",
          {{"frozen", plan.frozen},
           {"trained", plan.trained},
           {"activations", plan.activations},
           {"program", plan.program},
           {"total", plan.total()},
           {"available", free}}},
         {"stages", Json::array()}};
  for (const auto& stage : job.recipe.stages)
    j["stages"].push_back(to_json(stage, open_stage_data(job.recipe, stage, [&](const auto& line) { note(o, line); })));
  Output out(o.report);
  if (o.json) {
    out.write(dump(j) + "\n");
  } else {
    for (const Json& stage : j["stages"]) {
      out.write(nvembed::cat(stage["stage"].get<std::string>(), ": ", stage["steps"].get<nvembed::Index>(),
                             " steps of ", stage["batch"].get<nvembed::Index>(), " queries\n"));
      for (const Json& t : stage["tasks"]) {
        char line[160];
        std::snprintf(line, sizeof line, "  %-34s %9s records  %5.1f %% of the queries, %.2f epochs\n",
                      t["task"].get<std::string>().c_str(), grouped(t["records"].get<nvembed::Index>()).c_str(),
                      100 * t["share"].get<double>(), t["epochs"].get<double>());
        out.write(line);
      }
    }
    out.write(nvembed::cat("trained     ", grouped(plan.trained_numbers), " numbers\nmemory      about ",
                           mib(plan.total()), " of ", mib(free), ": frozen weights ", mib(plan.frozen),
                           ", trained ones with gradients and optimizer ", mib(plan.trained),
                           ", activations of a chunk ", mib(plan.activations), ", the program ", mib(plan.program),
                           "\n"));
  }
  out.finish();
}

Run add_train(CLI::App& app) {
  auto o = std::make_shared<TrainCommand>();
  CLI::App& command = *app.add_subcommand("train", "Fine-tune a model on pairs of texts, as a recipe says");
  command.add_option("RECIPE", o->recipe, "JSON file: base model, what of it is trained, data, stages")->required();
  command.add_flag("--resume", o->resume, "Go on from the newest checkpoint, to the same weights as without the stop");
  command.add_flag("--dry-run", o->dry_run, "Open all, print what will be trained and the memory it takes, and stop");
  command
      .add_option("--base", o->base,
                  "The base of a model that is an embedder or adapter folder [the path that stands there, else by name "
                  "or digest in the cache folder]")
      ->type_name("PATH");
  add_machine(command, *o);
  CLI::Option* seed = command.get_option("--seed");
  seed->description("In place of the recipe's [42]");
  add_reporting(command, *o);
  command.footer(
      "docs/training/recipes.md has the recipe's keys; examples/recipes/ has whole ones. The least there is:\n"
      "  {\"model\": \"base.gguf\", \"output\": \"out\", \"lora\": {},\n"
      "   \"stages\": [{\"data\": \"folder-with-tasks.json\", \"steps\": 100, \"warmup_steps\": 10}]}\n"
      "The recipe's output folder gets log.jsonl, report.html, checkpoints/ and, at the end, the embedder.\n"
      "Ctrl-C saves and leaves. Examples:\n"
      "  nvembed train recipe.json --dry-run\n"
      "  nvembed train recipe.json --resume");
  return [o, seed] {
    o->own_seed = seed->count() > 0;
    run_train(*o);
  };
}

}  // namespace cli
