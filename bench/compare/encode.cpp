// Encodes token ids that other software encodes too, and prints what bench/compare/compare.py reads: one JSON object
// for the load, one for each workload, one at the end, with the peers' names for their figures.
//   bench_encode MODEL IDS.json [PRECISION [THREADS [REPEATS [VECTORS]]]]
// IDS.json: {"W1": [[1, 2, ...], ...], ...}. Of W4 each text is encoded alone, and its time told. VECTORS: a folder for
// the vectors, W1.f32 and so on.
#include <sys/resource.h>

#include <nvembed/onednn/backend.hpp>
//
#include <cli/gemm_ceiling.hpp>
#include <cli/timer.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <nvembed/embed/instances.hpp>
#include <nvembed/embed/load.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/io/read_file.hpp>
#include <nvembed/model/flop_count.hpp>

namespace {

using namespace nvembed;
using Model = TextEmbedder<onednn::Backend>;
using Texts = std::vector<TokenizedText>;

void print(const Json& j) {
  std::printf("%s\n", j.dump().c_str());
  std::fflush(stdout);
}

Embeddings encode(const Model& model, const Texts& texts, Index batch_tokens) {
  EncodeOptions o;
  o.batch_tokens = batch_tokens;
  return model.encode(std::span<const TokenizedText>(texts), o);
}
double seconds(const Model& model, const Texts& texts, Index batch_tokens) {
  const cli::Timer timer;
  encode(model, texts, batch_tokens);
  return timer.seconds();
}
Index count_tokens(const Texts& texts) {
  Index n = 0;
  for (const auto& t : texts) n += static_cast<Index>(t.ids.size());
  return n;
}

/// Milliseconds of texts one at a time.
void latency(const Model& model, const std::string& name, const Texts& texts) {
  std::vector<double> ms;
  for (const auto& t : texts) ms.push_back(1e3 * seconds(model, {t}, 1));
  std::sort(ms.begin(), ms.end());
  print({{"event", name},
         {"texts", texts.size()},
         {"ms_median", ms[ms.size() / 2]},
         {"ms_min", ms[0]},
         {"ms_p90", ms[ms.size() * 9 / 10]}});
}

/// The batch size is the best of three on a part of the texts, as the peers' is.
Index best_batch(const Model& model, const Texts& texts) {
  Texts part;
  for (std::size_t i = 0; i < texts.size(); i += std::max<std::size_t>(1, texts.size() / 32)) part.push_back(texts[i]);
  Index best = 0;
  double least = HUGE_VAL;
  for (const Index batch : {1, 512, 2048})
    if (const double s = seconds(model, part, batch); s < least) least = s, best = batch;
  return best;
}

void throughput(const Model& model, const std::string& name, const Texts& texts, Index threads, int repeats,
                const std::string& vectors) {
  const auto ceiling = [&] { return cli::gemm_ceiling(threads, 512, 576, 3072); };  // the peers' product
  double top = ceiling();
  const Index batch = name == "W3" ? 1 : best_batch(model, texts);
  std::vector<double> times;
  for (int r = 0; r < repeats; ++r) times.push_back(seconds(model, texts, batch));
  std::sort(times.begin(), times.end());
  top = std::max(top, ceiling());
  double flop = 0;
  for (const auto& t : texts) flop += flop_count(model.config(), model.mask(), {0, static_cast<Index>(t.ids.size())});
  const auto tokens = static_cast<double>(count_tokens(texts));
  print({{"event", name},
         {"texts", texts.size()},
         {"tokens", tokens},
         {"batch_tokens", batch},
         {"tokens_s", tokens / times.front()},
         {"tokens_s_median", tokens / times[times.size() / 2]},
         {"ceiling_gflops", top * 1e-9},
         {"ceiling_share", flop / times.front() / top}});
  if (vectors.empty()) return;
  const Embeddings e = encode(model, texts, batch);
  std::ofstream out(vectors + "/" + name + ".f32", std::ios::binary);
  out.write(reinterpret_cast<const char*>(e.values.data()), static_cast<std::streamsize>(e.values.size() * 4));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::fprintf(stderr, "bench_encode MODEL IDS.json [PRECISION [THREADS [REPEATS [VECTORS]]]]\n");
    return 2;
  }
  std::map<std::string, Texts> work;
  const Json given = Json::parse(read_file(argv[2]));
  for (const auto& [name, texts] : given.items())
    for (const Json& ids : texts) work[name].push_back({ids.get<std::vector<TokenId>>(), 0, 0});
  LoadOptions o;
  o.precision = argc > 3 ? argv[3] : "f32";
  o.threads = argc > 4 ? std::atoi(argv[4]) : cpu_count();
  const cli::Timer timer;
  const auto model = load<onednn::Backend>(argv[1], o);
  seconds(model, {work.begin()->second.front()}, 1);
  print({{"event", "load"}, {"load_s", timer.seconds()}});
  for (const auto& [name, texts] : work)
    if (name == "W4")
      latency(model, name, texts);
    else
      throughput(model, name, texts, o.threads, argc > 5 ? std::atoi(argv[5]) : 3, argc > 6 ? argv[6] : "");
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  print({{"event", "end"}, {"peak_rss_mib", usage.ru_maxrss / 1024}});
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_encode: %s\n", e.what());
  return 1;
}
