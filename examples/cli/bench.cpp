#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nvembed/core/counter_rng.hpp>
#include <nvembed/core/cpu_count.hpp>
#include <nvembed/core/memory.hpp>
#include <nvembed/embed/model_files.hpp>
#include <nvembed/model/flop_count.hpp>

#include "commands.hpp"
#include "gemm_ceiling.hpp"
#include "model.hpp"
#include "options.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "stored.hpp"
#include "timer.hpp"

namespace cli {
namespace {

struct BenchOptions : Options {
  std::vector<Index> lengths{16, 128, 512, 2048};
  double seconds = 1;  ///< measured for each length, at least
};

/// Texts of `length` tokens, as many as one forward pass takes, all ids drawn by chance: speed does not depend on them.
nvembed::PreparedTexts draw_texts(const BenchOptions& o, Index batch_tokens, Index length, Index vocab_size) {
  nvembed::PreparedTexts p;
  const auto drawn = nvembed::CounterRng(o.seed).at(static_cast<std::uint64_t>(length));
  std::uint64_t position = 0;
  for (Index t = 0; t < std::max<Index>(1, batch_tokens / length); ++t) {
    auto& ids = p.texts.emplace_back().ids;
    for (Index i = 0; i < length; ++i)
      ids.push_back(static_cast<nvembed::TokenId>(drawn.at(position++).uniform() * static_cast<double>(vocab_size)));
  }
  return p;
}

/// Seconds of the fastest pass. The first one only warms up, unless it alone takes as long as was asked for.
double fastest_pass(const Model& model, const nvembed::PreparedTexts& texts, const BenchOptions& o) {
  double fastest = HUGE_VAL, measured = 0;
  for (bool warm = false; measured < o.seconds; warm = true) {
    nvembed::PreparedTexts copy = texts;
    const Timer timer;
    model.encode(std::move(copy), encode_options(o));
    const double s = timer.seconds();
    if (!warm && s < o.seconds) continue;
    fastest = std::min(fastest, s);
    measured += s;
  }
  return fastest;
}

Json measure(const BenchOptions& o) {
  BenchOptions silent = o;
  silent.quiet = true;  // `load_model` says what there is to say
  const nvembed::ModelFiles files = nvembed::open_model(find_model(o.model), load_options(silent));
  const nvembed::Precision precision = nvembed::choose_precision(files, o.precision, nvembed::available_memory());
  const Index threads = o.threads ? o.threads : nvembed::cpu_count(), longest = files.settings.max_length;
  Json j{{"path", files.path.string()},
         {"backend", o.backend.empty() ? backends().front() : o.backend},
         {"precision", nvembed::name(precision)},
         {"threads", threads},
         {"max_length", longest}};
  const Timer load;
  const auto model = load_model(o);
  j["load_seconds"] = load.seconds();

  ProgressBar bar("bench", 0, o.quiet);
  double ceiling = gemm_ceiling(threads);
  j["lengths"] = j["left_out"] = Json::array();
  for (std::size_t i = 0; i < o.lengths.size(); ++i) {
    const Index length = o.lengths[i];
    if (longest > 0 && length > longest) {
      j["left_out"].push_back(length);
      continue;
    }
    bar.update_share(static_cast<double>(i) / static_cast<double>(o.lengths.size()));
    const nvembed::Segment text{0, length, 0, 0, 0};
    const nvembed::Range read{files.pool == "last_token" ? length - 1 : 0, length};
    double flop = nvembed::flop_count(files.decoder, files.mask, text, read);
    if (files.pool == "latent_attention") flop += nvembed::folded_flop_count(*files.latent, text);
    const auto texts = draw_texts(o, model->batch_tokens(encode_options(o)), length, files.decoder.vocab_size);
    const double seconds = fastest_pass(*model, texts, o),
                 tokens = static_cast<double>(texts.texts.size()) * static_cast<double>(length);
    ceiling = std::max(ceiling, gemm_ceiling(threads));
    j["lengths"].push_back({{"length", length},
                            {"texts", texts.texts.size()},
                            {"seconds", seconds},
                            {"tokens_per_second", tokens / seconds},
                            {"flop_per_token", flop / static_cast<double>(length)}});
  }
  for (Json& row : j["lengths"])
    row["share"] = row["tokens_per_second"].get<double>() * row["flop_per_token"].get<double>() / ceiling;
  j["ceiling_flops"] = ceiling;
  return j;
}

void bench(const BenchOptions& o) {
  if (o.pool == "none") throw UsageError("--pool none gives no vector a text; bench measures whole embeddings");
  Output out(o.report);  // a file that cannot be written is known before minutes of work
  const Json j = measure(o);
  if (o.json) {
    out.write(dump(j) + "\n");
    return out.finish();
  }
  const auto line = [&](const char* format, const auto&... values) {
    char buffer[512];
    std::snprintf(buffer, sizeof buffer, format, values...);
    out.write(std::string(buffer) + "\n");
  };
  out.write("model    " + j["path"].get<std::string>() + "\n");
  line("run      %s, back end %s, %s threads", j["precision"].get<std::string>().c_str(),
       j["backend"].get<std::string>().c_str(), grouped(j["threads"].get<Index>()).c_str());
  line("load     %s", duration(j["load_seconds"].get<double>()).c_str());
  line("ceiling  %.0f GFLOP/s, the machine's f32 matrix product in this run", j["ceiling_flops"].get<double>() * 1e-9);
  line("%8s %8s %12s %14s %10s", "tokens", "texts", "tokens/s", "GFLOP a token", "share");
  for (const Json& row : j["lengths"])
    line("%8s %8s %12s %14.3g %10.2f", grouped(row["length"].get<Index>()).c_str(),
         grouped(row["texts"].get<Index>()).c_str(),
         grouped(std::llround(row["tokens_per_second"].get<double>())).c_str(),
         row["flop_per_token"].get<double>() * 1e-9, row["share"].get<double>());
  for (const Json& length : j["left_out"])
    line("%8s left out: the model takes %s tokens at most", grouped(length.get<Index>()).c_str(),
         grouped(j["max_length"].get<Index>()).c_str());
  out.finish();
}

}  // namespace

Run add_bench(CLI::App& app) {
  auto o = std::make_shared<BenchOptions>();
  CLI::App& command = *app.add_subcommand(
      "bench", "How fast a model is here: load time, tokens/s at several lengths, share of the machine's own speed");
  add_model(command, *o);
  command
      .add_option("--lengths", o->lengths,
                  "Tokens a text has; a length above the model's own limit is left out [16,128,512,2048]")
      ->type_name("N,...")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(Index{1}, Index{1} << 24).description(""));
  command
      .add_option("--seconds", o->seconds,
                  "Measured for each length, at least; of several passes the fastest counts [1]")
      ->type_name("SECONDS")
      ->check(CLI::Range(1e-3, 1e6).description(""));
  command
      .add_option("--batch-tokens", o->batch_tokens,
                  "Tokens in one forward pass; 1 measures a text alone [2048; on a GPU more]")
      ->type_name("N")
      ->check(CLI::Range(Index{1}, Index{1} << 24).description(""));
  add_running(command, *o);
  add_output(command, *o);
  add_reporting(command, *o);
  command.footer(
      "Ids are drawn by chance (--seed). The share is the model's arithmetic over that of a large f32 matrix product "
      "in the same run.\n"
      "Examples:\n  nvembed bench NV-Embed-v2/ --precision int8 --lengths 128,512\n  nvembed bench model.gguf --json");
  return [o] { bench(*o); };
}

}  // namespace cli
