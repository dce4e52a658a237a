#include "eval_results.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nvembed/core/error.hpp>
#include <nvembed/io/read_file.hpp>
#include <utility>

namespace cli {

using nvembed::cat;
using nvembed::Index;
using nvembed::Json;
using nvembed::eval::Estimate;
using nvembed::eval::Score;
using nvembed::eval::TaskResult;

namespace {

/// Four digits behind the point: replicates are many, and are compared with each other.
double rounded(double x) { return std::round(x * 1e4) / 1e4; }

Json to_json(const TaskResult& r) {
  Json task{{"task", r.info.name}, {"category", r.info.category}};
  if (r.score) {
    task["score"] = r.score->value;
    task["ci95"] = r.score->ci95();
    task["n"] = r.score->n;
    for (const auto& [name, value] : r.score->extras) task[name] = value;
    task["seconds"] = rounded(r.seconds);
    Json& replicates = task["replicates"] = Json::array();
    for (const double x : r.score->replicates) replicates.push_back(std::isnan(x) ? Json() : Json(rounded(x)));
  }
  if (!r.problems.empty()) task["problems"] = r.problems;
  return task;
}

TaskResult task_result(const Json& task, const std::string& where) {
  TaskResult r;
  r.info.name = nvembed::json_get<std::string>(task, "task", where);
  r.info.category = nvembed::json_get<std::string>(task, "category", where);
  if (!nvembed::json_find(task, "score")) return r;
  Score s;
  s.value = nvembed::json_get<double>(task, "score", where);
  s.n = nvembed::json_get<Index>(task, "n", where);
  for (const Json& x : nvembed::json_array(task, "replicates", where))
    s.replicates.push_back(x.is_null() ? std::nan("") : nvembed::json_as<double>(x, "replicates", where));
  r.score = std::move(s);
  return r;
}

std::string row(const char* name, const std::string& task, const Estimate& score, const Estimate* other) {
  char line[200];
  const int size =
      std::snprintf(line, sizeof line, "%-21.20s%-24.40s%7.2f %6.2f", name, task.c_str(), score.value, score.ci95);
  std::string s(line, static_cast<std::size_t>(size));
  if (other) {
    std::snprintf(line, sizeof line, "  %+7.2f %6.2f%s", other->value, other->ci95,
                  std::abs(other->value) > other->ci95 ? " *" : "");
    s += line;
  }
  return s + "\n";
}

}  // namespace

const Score* EvalResults::find(const std::string& task) const {
  for (const TaskResult& r : evaluation.tasks)
    if (r.info.name == task && r.score) return &*r.score;
  return nullptr;
}

nvembed::eval::Means EvalResults::means() const {
  std::vector<std::pair<std::string, Estimate>> figures;
  for (const TaskResult& r : evaluation.tasks)
    if (r.score) figures.emplace_back(r.info.category, Estimate{r.score->value, r.score->ci95()});
  return nvembed::eval::means(figures);
}

void check_comparable(double sample, std::uint64_t seed, const EvalResults& other, const std::string& other_file) {
  nvembed::require<nvembed::InputError>(sample == other.sample && seed == other.seed, "eval", other_file,
                                        ": has other samples (--sample ", other.sample, ", --seed ", other.seed,
                                        ") and cannot be compared");
}

EvalComparison compare(const EvalResults& results, const EvalResults& other, const std::string& other_file) {
  EvalComparison c;
  std::vector<std::pair<std::string, Estimate>> differences;
  for (const TaskResult& r : results.evaluation.tasks) {
    const Score* b = other.find(r.info.name);
    c.tasks.emplace_back();
    if (!r.score || !b) continue;
    try {
      c.tasks.back() = difference(*r.score, *b);
      differences.emplace_back(r.info.category, *c.tasks.back());
    } catch (const nvembed::InputError& e) {
      c.problems.push_back(cat(e.what(), " (", other_file, ", task ", r.info.name, ")"));
    }
  }
  if (differences.empty() && c.problems.empty())
    c.problems.push_back(cat("[eval] ", other_file, ": has no score of these tasks"));
  c.means = nvembed::eval::means(differences);
  return c;
}

Json to_json(const EvalResults& r) {
  const auto means = r.means();
  Json tasks = Json::array(), mean_values = Json::object(), mean_widths = Json::object();
  for (const TaskResult& t : r.evaluation.tasks) tasks.push_back(to_json(t));
  for (const auto& [category, mean] : means.categories) {
    mean_values[category] = mean.value;
    mean_widths[category] = mean.ci95;
  }
  mean_values["overall"] = means.overall.value;
  mean_widths["overall"] = means.overall.ci95;
  return {{"model", r.model},
          {"fingerprint", r.fingerprint},
          {"max_length", r.max_length},
          {"instructions", r.instructions},
          {"sample", r.sample},
          {"seed", r.seed},
          {"means", mean_values},
          {"means_ci95", mean_widths},
          {"texts", r.evaluation.texts},
          {"cached_texts", r.evaluation.cached_texts},
          {"truncated_texts", r.evaluation.truncated_texts},
          {"tokens", r.evaluation.tokens},
          {"encode_seconds", rounded(r.evaluation.encode_seconds)},
          {"score_seconds", rounded(r.evaluation.score_seconds)},
          {"tasks", tasks}};
}

EvalResults read_eval_results(const std::string& file) {
  const Json j = nvembed::parse_json(nvembed::read_file(file), file);
  EvalResults r;
  r.model = nvembed::json_get<std::string>(j, "model", file);
  r.max_length = nvembed::json_get<Index>(j, "max_length", file);
  r.sample = nvembed::json_get<double>(j, "sample", file);
  r.seed = static_cast<std::uint64_t>(nvembed::json_get<Index>(j, "seed", file));
  for (const Json& task : nvembed::json_array(j, "tasks", file))
    r.evaluation.tasks.push_back(task_result(task, cat(file, ": task ", r.evaluation.tasks.size() + 1)));
  return r;
}

std::string eval_table(const EvalResults& results, const EvalComparison* comparison) {
  std::string s = "category             task                      score  +-95 %";
  s += comparison ? "  against  +-95 %\n" : "\n";
  for (std::size_t t = 0; t < results.evaluation.tasks.size(); ++t) {
    const TaskResult& r = results.evaluation.tasks[t];
    const auto* other = comparison && comparison->tasks[t] ? &*comparison->tasks[t] : nullptr;
    if (r.score)
      s += row(r.info.category.c_str(), r.info.name, {r.score->value, r.score->ci95()}, other);
    else
      s += cat(r.info.category, std::string(r.info.category.size() < 21 ? 21 - r.info.category.size() : 1, ' '),
               r.info.name, ": no score, see above\n");
  }
  const auto means = results.means();
  const auto differences = comparison ? comparison->means : nvembed::eval::Means{};
  for (const auto& [category, mean] : means.categories) {
    const auto other = std::find_if(differences.categories.begin(), differences.categories.end(),
                                    [&, name = category](const auto& d) { return d.first == name; });
    s += row(category.c_str(), "mean", mean, other == differences.categories.end() ? nullptr : &other->second);
  }
  if (means.categories.size() > 1)
    s +=
        row("all", "mean of the means", means.overall, differences.categories.empty() ? nullptr : &differences.overall);
  if (comparison) s += "*: more than chance at 95 %, task by task\n";
  return s;
}

}  // namespace cli
