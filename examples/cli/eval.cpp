#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <nvembed/core/error.hpp>
#include <nvembed/embed/fingerprint.hpp>
#include <nvembed/eval/bm25.hpp>
#include <nvembed/eval/evaluate.hpp>
#include <nvembed/eval/needle.hpp>

#include "commands.hpp"
#include "eval_page.hpp"
#include "eval_results.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "stored.hpp"

namespace cli {
namespace {

struct EvalCommand : Options {
  std::string tasks, against, cache, page;
  std::vector<std::string> only;
  std::string needle;
  std::vector<Index> needle_lengths{512, 2048, 8192};
  Index needle_queries = 40;
  double sample = 1;
  bool no_instruction = false, no_normalize = false, no_cache = false, bm25 = false;
};

constexpr Index usual_max_length = 512;  // NV-Embed's own in its evaluation (paper, appendix C)

std::string cache_folder(const EvalCommand& o) {
  if (o.no_cache) return {};
  if (!o.cache.empty()) return o.cache;
  const char* cache = std::getenv("NVEMBED_CACHE");
  const char* home = std::getenv("HOME");
  if (cache && *cache) return std::string(cache) + "/vectors";
  return home && *home ? std::string(home) + "/.cache/nvembed/vectors" : std::string();
}

nvembed::eval::EvaluatedModel evaluated(const Model& model) {
  return {[&](std::span<const nvembed::Text> texts, const nvembed::EncodeOptions& e) {
            return model.encode(model.prepare(texts, e), e);
          },
          [&](const nvembed::EncodeOptions& e) { return nvembed::fingerprint(model.identity(e)); },
          model.dot_products(), model.dim()};
}

/// The tasks of several lengths that are made of one retrieval task.
std::vector<nvembed::eval::FoundTask> needle_tasks(const EvalCommand& o, const nvembed::eval::FoundTask& found,
                                                   const Model& model) {
  const auto* source = found.task ? found.task->as<nvembed::eval::Retrieval>() : nullptr;
  nvembed::require<nvembed::InputError>(source, "eval", "--needle: ", o.needle,
                                        " is no retrieval task that can be read");
  const auto count = [&](std::string_view text) {
    const nvembed::Text one(text);
    return static_cast<Index>(model.prepare({&one, 1}, {.on_empty = nvembed::OnEmpty::zero}).texts[0].ids.size());
  };
  std::vector<nvembed::eval::FoundTask> tasks;
  for (const Index length : o.needle_lengths) {
    nvembed::eval::Needle task(*source, {length, o.needle_queries, o.seed}, count);
    const auto info = task.info();
    tasks.push_back({info, nvembed::eval::AnyTask(std::move(task)), {}});
  }
  return tasks;
}

nvembed::eval::EvaluateOptions evaluate_options(const EvalCommand& o, const Model& model) {
  nvembed::eval::EvaluateOptions options;
  options.query = encode_options(o);
  if (o.no_normalize) options.query.normalize = false;
  options.passage = options.query;
  options.passage.prompt = passage_prompt(model);
  options.instructions = !o.no_instruction;
  options.seed = o.seed;
  options.cache = cache_folder(o);
  return options;
}

/// All of a comparison's figures.
Json to_json(const EvalComparison& comparison, const EvalResults& results, const EvalResults& other,
             const std::string& file) {
  Json tasks = Json::array();
  for (std::size_t t = 0; t < comparison.tasks.size(); ++t)
    if (const auto& d = comparison.tasks[t])
      tasks.push_back({{"task", results.evaluation.tasks[t].info.name}, {"difference", d->value}, {"ci95", d->ci95}});
  return {{"file", file},
          {"model", other.model},
          {"tasks", tasks},
          {"overall", {{"difference", comparison.means.overall.value}, {"ci95", comparison.means.overall.ci95}}}};
}

void run_eval(const EvalCommand& o) {
  if (o.pool == "none") throw UsageError("--pool none gives no vectors to evaluate");
  std::optional<EvalResults> other;  // what may be wrong is told before the work
  if (!o.against.empty()) {
    other = read_eval_results(o.against);
    check_comparable(o.sample, o.seed, *other, o.against);
  }
  nvembed::eval::ReadOptions read{o.only, o.sample, o.seed};
  if (!o.needle.empty()) read.only = {o.needle};
  std::vector<nvembed::eval::FoundTask> tasks = nvembed::eval::read_tasks(o.tasks, read);
  for (const auto& t : tasks)
    for (const std::string& problem : t.problems) say(problem);

  std::optional<Output> figures_file, page_file;
  if (!o.report.empty()) figures_file.emplace(o.report);
  if (!o.page.empty()) page_file.emplace(o.page);

  const auto model = load_model(o);
  if (!o.needle.empty()) tasks = needle_tasks(o, tasks.front(), *model);
  nvembed::eval::EvaluateOptions options = evaluate_options(o, *model);
  EvalPage page(*model, options);
  if (page_file)
    options.scored = [&](const auto& task, const auto& score, auto vectors, const auto& scoring) {
      page.add(task, score, vectors, scoring);
    };

  EvalResults results;
  results.model = o.bm25 ? "bm25" : find_model(o.model).string();
  if (!o.bm25) results.fingerprint = nvembed::fingerprint(model->identity(options.query));
  results.max_length = o.bm25 ? 0 : o.max_length;
  results.instructions = options.instructions && !o.bm25;
  results.sample = o.sample;
  results.seed = o.seed;
  {
    ProgressBar bar("eval", 0, o.quiet);
    options.progress = [&](const nvembed::eval::EvaluateProgress& p) { bar.update_share(p.share, p.tokens); };
    results.evaluation = o.bm25 ? nvembed::eval::evaluate_bm25(tasks, model->dot_products(), options)
                                : nvembed::eval::evaluate(evaluated(*model), tasks, options);
  }
  const nvembed::eval::Evaluation& e = results.evaluation;
  Index broken = 0;
  for (std::size_t t = 0; t < e.tasks.size(); ++t) {
    for (std::size_t p = tasks[t].problems.size(); p < e.tasks[t].problems.size(); ++p) say(e.tasks[t].problems[p]);
    broken += !e.tasks[t].problems.empty();
  }
  std::optional<EvalComparison> comparison;
  if (other) {
    comparison = compare(results, *other, o.against);
    for (const std::string& problem : comparison->problems) say(problem);
  }
  if (!o.quiet) write_all(2, eval_table(results, comparison ? &*comparison : nullptr));
  if (!o.bm25)
    note(o, nvembed::cat(grouped(e.texts), " different texts, ", grouped(e.cached_texts), " of them from the cache, ",
                         grouped(e.tokens), " tokens encoded in ", duration(e.encode_seconds), ", scored in ",
                         duration(e.score_seconds),
                         e.truncated_texts ? "; cut short: " + grouped(e.truncated_texts) : ""));
  if (page_file) page.write(*page_file, results, comparison ? &*comparison : nullptr, other ? &*other : nullptr);
  Json figures = to_json(results);
  if (comparison) figures["against"] = to_json(*comparison, results, *other, o.against);
  const auto write = [&](Output& out) {
    out.write(dump(figures) + "\n");
    out.finish();
  };
  if (figures_file) write(*figures_file);
  if (o.json) {
    Output out;
    write(out);
  }
  nvembed::require(broken == 0, "eval", broken, broken == 1 ? " task of " : " tasks of ", e.tasks.size(), " in ",
                   o.tasks, " could not be scored, or not wholly, as told above; the others were");
  nvembed::require(!comparison || comparison->problems.empty(), "eval", "not all tasks could be compared with ",
                   o.against, ", as told above");
}

}  // namespace

Run add_eval(CLI::App& app) {
  auto o = std::make_shared<EvalCommand>();
  o->max_length = usual_max_length;
  o->seed = 42;
  CLI::App& command = *app.add_subcommand("eval", "What a model is worth: scores on tasks, with their uncertainty");
  add_model(command, *o);
  command
      .add_option("--tasks", o->tasks,
                  "A folder with tasks.json, or with corpus.jsonl, queries.jsonl and qrels/test.tsv (BEIR)")
      ->required()
      ->type_name("DIR");
  command.add_option("--only", o->only, "Tasks or categories, with commas between [all]")
      ->type_name("NAMES")
      ->delimiter(',');
  command.add_option("--against", o->against, "Results of another model (-o FILE): differences with their intervals")
      ->type_name("FILE");
  command
      .add_option("--report", o->page,
                  "A page to look at: scores beside known baselines, similarities, neighbours, clusters")
      ->type_name("FILE.html");
  command
      .add_option("--sample", o->sample,
                  "About this share of each task, for a quick look; docs/evaluation.md says what it is worth [1]")
      ->type_name("SHARE")
      ->check(CLI::Range(1e-6, 1.0).description(""));
  command
      .add_option("--needle", o->needle,
                  "Long texts instead: paragraphs of this retrieval task, one of which answers, in documents of "
                  "--needle-lengths")
      ->type_name("TASK");
  command.add_option("--needle-lengths", o->needle_lengths, "Tokens of a document [512,2048,8192]")
      ->type_name("NUMBERS")
      ->delimiter(',')
      ->check(CLI::Range(Index{64}, Index{1} << 20).description(""));
  command.add_option("--needle-queries", o->needle_queries, "Queries, and documents of each length [40]")
      ->type_name("N")
      ->check(CLI::Range(Index{2}, Index{1} << 20).description(""));
  command.add_flag("--bm25", o->bm25, "BM25 in the model's place: what counting words is worth");
  command.add_flag("--no-instruction", o->no_instruction,
                   "Leave the tasks' instructions out: for models that know none");
  command.add_option("--prompt", o->prompt, "One of the model's own prompts, for queries without an instruction")
      ->type_name("NAME");
  command
      .add_option("--max-length", o->max_length, "Tokens a text may have, special ones counted; 0: the model's [512]")
      ->type_name("N")
      ->check(CLI::Range(Index{0}, Index{1} << 40).description(""));
  command.add_flag("--no-normalize", o->no_normalize, "Vectors as they are pooled");
  command
      .add_option("--cache", o->cache,
                  "Where vectors are kept between runs [$NVEMBED_CACHE/vectors, else ~/.cache/nvembed/vectors]")
      ->type_name("DIR");
  command.add_flag("--no-cache", o->no_cache, "Keep and use no vectors of other runs");
  add_running(command, *o);
  command.add_option("--batch-tokens", o->batch_tokens, "Most tokens in one forward pass; does not change any vector")
      ->type_name("N")
      ->check(CLI::Range(Index{1}, Index{1} << 40).description(""));
  add_output(command, *o);
  add_reporting(command, *o);
  command.get_option("--seed")->description("Seed of resampling, draws of examples and starting points [42]");
  command.get_option("--output")->description("All figures, as JSON; the file appears when it is whole");
  command.footer(
      "A task that is broken is named with its file and line; the others are scored, and the status is 1.\n\n"
      "Examples:\n  nvembed eval NV-Embed-v2/ --tasks eval/ -o nv-embed.json\n"
      "  nvembed eval mine/ --tasks eval/ --against nv-embed.json\n"
      "  nvembed eval model.gguf --tasks scifact/ --no-instruction --max-length 256");
  return [o] { run_eval(*o); };
}

}  // namespace cli
