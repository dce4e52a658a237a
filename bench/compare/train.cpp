// Steps of contrastive fine-tuning as PyTorch and PEFT do them (LoRA of rank 16 on all seven linears, mean pooling,
// InfoNCE with in-batch negatives at 0.02, AdamW), printed as one JSON object with the peers' names for the figures.
//   bench_train MODEL PAIRS.jsonl [CHUNK_TOKENS [RECOMPUTE [THREADS [STEPS [PRECISION]]]]]
// PAIRS.jsonl: training records; each step takes the next 32, of at most 128 tokens a text. A first step warms up.
#include <sys/resource.h>

#include <nvembed/onednn/backend.hpp>
//
#include <algorithm>
#include <cli/gemm_ceiling.hpp>
#include <cli/timer.hpp>
#include <cstdio>
#include <cstdlib>
#include <nvembed/embed/instances.hpp>
#include <nvembed/io/json.hpp>
#include <nvembed/training.hpp>
#include <string>
#include <vector>

using namespace nvembed;

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("bench_train MODEL PAIRS.jsonl [CHUNK_TOKENS [RECOMPUTE [THREADS [STEPS [PRECISION]]]]]\n", stderr);
    return 2;
  }
  using B = onednn::Backend;
  const auto number = [&](int place, Index otherwise) { return argc > place ? std::atoll(argv[place]) : otherwise; };
  const Index chunk_tokens = number(3, Index{1} << 20), threads = number(5, 2), steps = number(6, 3), batch = 32;
  const bool recompute = number(4, 0) != 0;
  const std::string precision = argc > 7 ? argv[7] : "f32";

  const B be(threads);
  const ModelFiles files = open_model(argv[1]);
  Embedder<Decoder<B, mask::Bidirectional>, pool::Mean> model{Decoder<B, mask::Bidirectional>(files.decoder), {}};
  load_weights(be, model.body, files.weights, parse_precision(precision).value(), Use::both);
  nn::attach_lora(be, model.body, {.dropout = 0});
  Trainable trainable;
  Index trained = 0;
  for_each_leaf(model, [&](const std::string& key, auto& leaf) {
    const std::string name = leaf_name(key, leaf);
    if constexpr (requires { leaf.value.flat(); })
      if (name.find(".lora_") != name.npos) {
        trainable.add(name, leaf);
        trained += leaf.value.size();
      }
  });
  optim::AdamW<B> optimizer(be, model, trainable, {.weight_decay = 0.01});

  const train::RecordFile records(argv[2]);
  const InputBuilder inputs(files.tokenizer, files.settings);
  const EncodeOptions cut{.max_length = 128};
  auto lane = be.make_lane();
  double ceiling = cli::gemm_ceiling(threads, 512, 576, 3072);
  std::vector<double> rates, seconds, losses;
  Index tokens = 0, chunks = 0;
  for (Index step = 0; step <= steps; ++step) {
    std::vector<TokenizedText> texts;
    std::vector<std::uint64_t> ids;
    loss::ContrastiveTargets targets;
    const auto add = [&](const std::string& text) {
      texts.push_back(inputs.build(text, cut).text);
      ids.push_back(ids.size());
    };
    for (Index i = 0; i < batch; ++i) add(records.at(step * batch + i).query);
    for (Index i = 0; i < batch; ++i) {
      add(records.at(step * batch + i).positives[0]);
      targets.positive.push_back(i);
      targets.in_batch.push_back(true);
    }
    const cli::Timer timer;
    const auto result =
        train::grad_cache(be, lane, model, trainable, texts, ids, batch,
                          [&](auto& cx, const auto& a, const auto& b) { return loss::InfoNce{}(cx, a, b, targets); },
                          {.chunk_tokens = chunk_tokens, .recompute = recompute});
    optimizer.step(result.gradients, 1e-4);
    losses.push_back(result.loss);
    if (step == 0) continue;
    seconds.push_back(timer.seconds());
    rates.push_back(static_cast<double>(result.tokens) / seconds.back());
    tokens += result.tokens, chunks = result.chunks;
  }
  ceiling = std::max(ceiling, cli::gemm_ceiling(threads, 512, 576, 3072));
  std::sort(rates.begin(), rates.end());
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const Json j{{"config", recompute ? "lora-" + precision + "-ckpt" : "lora-" + precision},
               {"batch_pairs", batch},
               {"chunks", chunks},
               {"tokens_a_step", tokens / steps},
               {"tokens_s", rates.back()},
               {"tokens_s_median", rates[rates.size() / 2]},
               {"s_a_step_min", *std::min_element(seconds.begin(), seconds.end())},
               {"trainable", trained},
               {"losses", losses},
               {"peak_rss_mib", usage.ru_maxrss / 1024},
               {"ceiling_gflops_f32", ceiling / 1e9}};
  std::printf("%s\n", j.dump().c_str());
}
