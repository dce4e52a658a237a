#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nvembed/embed/similarity.hpp>
#include <optional>

#include "commands.hpp"
#include "encoder.hpp"
#include "input.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "stored.hpp"

namespace cli {
namespace {

struct SimilarityOptions : Options {
  std::vector<std::string> words;
  std::string input;
};

void similarity(SimilarityOptions& o) {
  std::vector<std::string> texts = o.words;
  if (o.input.empty() && (texts.size() < 2 || texts.size() > 3))
    throw UsageError("similarity takes two texts, [MODEL] A B, or -i pairs.jsonl");
  if (!o.input.empty() && texts.size() > 1) throw UsageError("similarity with -i takes no more than a MODEL");
  std::error_code ignored;
  if (texts.size() == 2 &&
      (texts[0].ends_with(".gguf") || texts[0].ends_with("/") || std::filesystem::exists(texts[0], ignored)))
    throw UsageError("'" + texts[0] + "' looks like a MODEL; two texts are needed behind it");
  if (texts.size() % 2 == 1) {
    o.model = texts.front();
    texts.erase(texts.begin());
  }
  if (o.pool == "none") throw UsageError("--pool none gives no vector to compare");
  std::optional<PairReader> file;
  if (!o.input.empty()) file.emplace(o.input);
  const auto model = load_model(o);
  Output out(o.report);
  Json scores = Json::array();
  ProgressBar bar("similarity", 0, o.quiet);
  Encoder encoder(*model, encode_options(o), bar);
  Pair pair;
  std::size_t given = 0;
  bool second = false;
  const auto next = [&](Record& record) {
    if (!file) {
      if (given == texts.size()) return false;
      record = Record{};
      record.text = texts[given++];
      record.line = static_cast<Index>(given);
      return true;
    }
    if (!second && !file->next(pair)) return false;
    record = second ? pair.second : pair.first;
    second = !second;
    return true;
  };
  std::vector<float> first;  // of a pair whose halves fall into two blocks
  encoder.run(next, file ? file->lines().name() : "texts A and B",
              [&](std::span<const Record>, const nvembed::Embeddings& e) {
                for (Index i = 0; i < e.rows; ++i) {
                  if (first.empty()) {
                    first.assign(e[i].begin(), e[i].end());
                    continue;
                  }
                  const double score = nvembed::cosine(first, e[i]);
                  first.clear();
                  if (o.json) {
                    scores.push_back(score);
                    continue;
                  }
                  char line[32];
                  std::snprintf(line, sizeof line, "%.6f\n", score);
                  out.write(line);
                }
              });
  bar.clear();
  if (o.json) out.write(dump({{"cosine", scores}}) + "\n");
  out.finish();
}

}  // namespace

Run add_similarity(CLI::App& app) {
  auto o = std::make_shared<SimilarityOptions>();
  CLI::App& command = *app.add_subcommand("similarity", "Cosine of two texts, or of every pair of a file");
  command.add_option("TEXTS", o->words, "[MODEL] A B, or [MODEL] with -i")->type_name("")->expected(0, 3);
  command.add_option("-i,--input", o->input, "Pairs: JSON objects with text1 and text2, one a line")->type_name("FILE");
  add_running(command, *o);
  add_texts(command, *o);
  add_encoding(command, *o);
  add_output(command, *o);
  add_reporting(command, *o);
  command.footer(
      "Examples:\n  nvembed similarity \"the sea\" \"the ocean\"\n  nvembed similarity model.gguf -i pairs.jsonl "
      "--json");
  return [o] { similarity(*o); };
}

}  // namespace cli
