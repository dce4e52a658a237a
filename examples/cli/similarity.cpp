#include <CLI/CLI.hpp>
#include <memory>
#include <nvembed/embed/similarity.hpp>

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
  if (texts.size() % 2 == 1) {
    o.model = texts.front();
    texts.erase(texts.begin());
  }
  const auto model = load_model(find_model(o.model), o.backend, load_options(o));
  const nvembed::EncodeOptions encode = encode_options(o);
  Output out;
  Json scores = Json::array();
  const auto print = [&](double score) {
    if (o.json) return scores.push_back(score);
    char line[32];
    std::snprintf(line, sizeof line, "%.6f\n", score);
    out.write(line);
  };
  if (o.input.empty()) {
    const std::vector<nvembed::Text> pair(texts.begin(), texts.end());
    const auto e = model->encode(pair, encode);
    print(nvembed::cosine(e[0], e[1]));
  } else {
    PairReader reader(o.input);
    ProgressBar bar("similarity", 0, o.quiet);
    Encoder encoder(*model, encode, bar);
    Pair pair;
    bool second = false;
    std::vector<float> first;  // of a pair whose halves fall into two blocks
    encoder.run(
        [&](Record& record) {
          if (!second && !reader.next(pair)) return false;
          record = second ? pair.second : pair.first;
          second = !second;
          return true;
        },
        reader.lines().name(),
        [&](std::span<const Record>, const nvembed::Embeddings& e) {
          for (Index i = 0; i < e.rows; ++i) {
            if (first.empty()) {
              first.assign(e[i].begin(), e[i].end());
            } else {
              print(nvembed::cosine(first, e[i]));
              first.clear();
            }
          }
        });
  }
  if (o.json) out.write(dump({{"cosine", scores}}) + "\n");
  out.flush();
}

}  // namespace

Run add_similarity(CLI::App& app) {
  auto o = std::make_shared<SimilarityOptions>();
  CLI::App& command = *app.add_subcommand("similarity", "Cosine of two texts, or of every pair of a file");
  command.add_option("TEXTS", o->words, "[MODEL] A B, or [MODEL] with -i")->type_name("")->expected(0, 3);
  command.add_option("-i,--input", o->input, "Pairs: JSON objects with text1 and text2, one a line")->type_name("FILE");
  add_running(command, *o);
  add_texts(command, *o);
  add_reporting(command, *o);
  command.footer(
      "Examples:\n  nvembed similarity \"the sea\" \"the ocean\"\n  nvembed similarity model.gguf -i pairs.jsonl "
      "--json");
  return [o] { similarity(*o); };
}

}  // namespace cli
