#include "eval_page.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nvembed/core/error.hpp>
#include <nvembed/eval/sample.hpp>

#include "eval_baselines.hpp"
#include "progress_bar.hpp"

namespace cli {
namespace {

std::string base_name(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return name.empty() ? std::filesystem::path(path).parent_path().filename().string() : name;
}

std::vector<std::string> facts(const EvalResults& r) {
  using nvembed::cat;
  const auto& e = r.evaluation;
  std::vector<std::string> all;
  if (r.model == "bm25") {
    all.emplace_back("BM25: words are counted, nothing has been learnt.");
  } else {
    all.push_back(cat(r.instructions ? "Queries with the tasks' instructions" : "No instructions",
                      "; texts of at most ", r.max_length ? grouped(r.max_length) : "the model's", " tokens; ",
                      grouped(e.texts), " different texts, ", grouped(e.cached_texts),
                      " of them from the cache. Encoding took ", duration(e.encode_seconds), ", scoring ",
                      duration(e.score_seconds), "."));
    all.push_back(cat("Fingerprint of the vectors: ", r.fingerprint));
  }
  if (r.sample < 1)
    all.push_back(cat("A sample of about ", std::llround(100 * r.sample),
                      " % of each task: scores differ from those of the whole."));
  return all;
}

}  // namespace

void EvalPage::add(const nvembed::eval::AnyTask& task, const nvembed::eval::Score& score,
                   std::span<const nvembed::eval::HostMatrix> vectors, const nvembed::eval::Scoring& scoring) {
  report_.add(task, score, vectors, scoring);
  const auto* clustering = task.as<nvembed::eval::Clustering>();
  if (clustering && model_.folds() && scoring.similarity == nvembed::eval::Similarity::cosine) add_latents(*clustering);
}

void EvalPage::add_latents(const nvembed::eval::Clustering& task) {
  constexpr double most = 400;
  const auto rows = nvembed::eval::stratified_sample(
      task.labels(), std::min(1.0, most / static_cast<double>(task.labels().size())), options_.seed);
  nvembed::EncodeOptions encode = options_.query;
  if (options_.instructions) encode.instruction = task.info().instruction;
  std::vector<nvembed::Text> texts;
  for (const Index i : rows) texts.emplace_back(task.texts()[0].texts[static_cast<std::size_t>(i)]);
  const nvembed::Embeddings weights = model_.latent_weights(model_.prepare(texts, encode), encode);
  report_.add_latents(task, rows, {weights.values.data(), weights.rows, weights.dim});
}

void EvalPage::write(Output& out, const EvalResults& results, const EvalComparison* comparison,
                     const EvalResults* other) const {
  out.write(report_.html("Evaluation of " + base_name(results.model), facts(results), results.evaluation,
                         eval_baselines(results.evaluation), other ? base_name(other->model) : "",
                         comparison ? comparison->tasks : std::vector<std::optional<nvembed::eval::Estimate>>{}));
  out.finish();
}

}  // namespace cli
